import pytest

from mmseg_custom.averaging import REFERENCE, CandidateError, build_candidates, check_specs, greedy_soup, rank_folds
from mmseg_custom.averaging.mixtures import ensemble, path, score_weighted, top_k

SCORES = {'fold1': 10.0, 'fold2': 50.0, 'fold3': 30.0, 'fold4': 40.0, 'fold5': 20.0}


def ingredients(candidates):
    return {name: list(candidate.coefficients) for name, candidate in candidates.items()}


def test_reference_candidates_of_five_folds():
    assert ingredients(build_candidates(REFERENCE, SCORES)) == {
        'best_fold': ['fold2'],
        'all_folds': ['fold1', 'fold2', 'fold3', 'fold4', 'fold5'],
        'top3': ['fold2', 'fold3', 'fold4'],
    }


def test_reference_candidates_of_few_folds_are_not_repeated():
    assert ingredients(build_candidates(REFERENCE, {'fold1': 2.0, 'fold2': 1.0})) == {
        'best_fold': ['fold1'],
        'all_folds': ['fold1', 'fold2'],
    }
    assert ingredients(build_candidates(REFERENCE, {'full': 2.0})) == {'full': ['full']}


def test_ranking_puts_nan_last_and_equals_in_order():
    assert rank_folds({'fold1': float('nan'), 'fold10': 5.0, 'fold9': 5.0}) == ['fold9', 'fold10', 'fold1']


def test_the_average_of_all_is_in_the_order_of_the_folds():
    assert list(build_candidates(['all_folds'], {'fold10': 1.0, 'fold9': 2.0})['all_folds'].coefficients) == [
        'fold9',
        'fold10',
    ]


def test_top_k_of_few_folds_leaves_the_worst_out():
    assert top_k({'fold1': 1.0, 'fold2': 2.0, 'fold3': 3.0}, k=9) == {'top2': {'fold2': 1.0, 'fold3': 1.0}}
    assert top_k({'fold1': 1.0, 'fold2': 2.0}, k=2) == {'top1': {'fold2': 1.0}}
    assert top_k({'fold1': 1.0}, k=2) == {}


def test_top_k_for_every_k():
    assert {name: list(coefficients) for name, coefficients in top_k(SCORES).items()} == {
        'top2': ['fold2', 'fold4'],
        'top3': ['fold2', 'fold3', 'fold4'],
        'top4': ['fold2', 'fold3', 'fold4', 'fold5'],
    }


def test_better_folds_count_more():
    scores = {'fold1': 60.0, 'fold2': 62.0, 'fold3': float('nan')}
    coefficients = score_weighted(scores, temperature=2.0)['score_weighted']
    assert coefficients == {'fold1': pytest.approx(0.36788, abs=1e-5), 'fold2': 1.0}
    coefficients = score_weighted({'fold10': 60.0, 'fold9': 61.0})['score_weighted']
    assert list(coefficients.items()) == [('fold9', 1.0), ('fold10', pytest.approx(0.36788, abs=1e-5))]
    assert score_weighted({'fold1': float('nan')}) == {}


def test_an_ensemble_has_two_folds_at_least():
    assert ensemble({'fold1': 1.0}) == {}
    assert ensemble({'fold1': 1.0, 'fold2': 2.0}) == {'ensemble': {'fold1': 1.0, 'fold2': 1.0}}


def test_of_no_folds_there_is_no_candidate():
    assert build_candidates([*REFERENCE, 'ensemble', 'score_weighted'], {}) == {}


def test_the_path_goes_from_the_start_through_the_average_of_all():
    points = path({'fold1': 1.0, 'fold2': 2.0}, steps=(0.25, 1.0, 1.25))
    assert points == {
        'path_0.25': {'fold1': 0.25, 'fold2': 0.25, 'initial': 1.5},
        'path_1': {'fold1': 1.0, 'fold2': 1.0},
        'path_1.25': {'fold1': 1.25, 'fold2': 1.25, 'initial': -0.5},
    }
    both = build_candidates(['all_folds', {'type': 'path', 'steps': [0.5, 1.0]}], {'fold1': 1.0, 'fold2': 2.0})
    assert list(both) == ['all_folds', 'path_0.5']


def test_the_greedy_soup_leaves_out_what_makes_it_worse():
    asked = []

    def score_of(coefficients):
        asked.append(list(coefficients))
        return {2: 55.0, 3: 54.0}[len(coefficients)] if 'fold4' in coefficients else 49.0

    assert list(greedy_soup(SCORES, score_of)) == ['fold2', 'fold4']
    assert asked[:3] == [['fold2', 'fold4'], ['fold2', 'fold3', 'fold4'], ['fold2', 'fold4', 'fold5']]


def test_the_greedy_soup_takes_what_makes_it_no_worse():
    assert list(greedy_soup({'fold1': 50.0, 'fold2': 40.0}, lambda coefficients: 50.0)) == ['fold1', 'fold2']


def test_the_greedy_soup_is_a_candidate_where_it_can_be_made():
    check_specs(['greedy_soup'])
    candidates = build_candidates(['greedy_soup'], SCORES, lambda: {'fold2': 1.0, 'fold4': 1.0})
    assert ingredients(candidates) == {'greedy_soup': ['fold2', 'fold4']}
    with pytest.raises(CandidateError, match="'greedy_soup' is unknown"):
        build_candidates(['greedy_soup'], SCORES)


def test_the_greedy_soup_is_looked_for_once():
    soups = iter([{'fold2': 1.0, 'fold4': 1.0}])
    candidates = build_candidates([{'type': 'greedy_soup', 'bn': 'both'}], SCORES, lambda: next(soups))
    assert list(candidates) == ['greedy_soup', 'greedy_soup_bn']


def test_twins_with_batch_norm_measured_anew():
    specs = ['ensemble', {'type': 'all_folds', 'bn': 'both'}, {'type': 'best_fold', 'bn': 'recalibrate'}]
    candidates = build_candidates(specs, SCORES)
    assert list(candidates) == ['ensemble', 'all_folds', 'all_folds_bn', 'best_fold_bn']
    assert [candidate.recalibrated for candidate in candidates.values()] == [False, False, True, True]
    assert candidates['ensemble'].is_ensemble
    assert candidates['best_fold_bn'].ingredient is None


@pytest.mark.parametrize(
    ('spec', 'named'),
    [
        ('all_fold', 'all_fold.*one of best_fold, all_folds, top_k, score_weighted, path, ensemble, greedy_soup.$'),
        ({'type': 'top_k', 'n': 3}, 'top_k has no n'),
        ({'type': 'all_folds', 'bn': 'yes'}, r"bn='yes' .* one of \['average', 'recalibrate', 'both'\]"),
        ({'type': 'ensemble', 'bn': 'both'}, r"ensemble: bn='both' .* one of \['average'\]"),
    ],
)
def test_unknown_candidates_are_named(spec, named):
    with pytest.raises(CandidateError, match=named):
        check_specs([spec])
