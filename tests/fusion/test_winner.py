import pytest
import torch
from scorers import scorer_of

from mmseg_custom.averaging import CandidateError
from mmseg_custom.errors import StageError
from mmseg_custom.fusion.candidate_scoring import in_chunks
from mmseg_custom.fusion.fuse_stage import choose_winner, may_equal_winner
from mmseg_custom.fusion.rules import TIES, FusionRules
from mmseg_custom.hooks.run_record import split_average
from mmseg_custom.io.checkpoints.checkpoint_file import (
    hash_weights,
    load_checkpoint_file,
    load_weights,
    save_checkpoint_file,
)
from mmseg_custom.ledger.stage_ledger import StageLedger, names_of_runs

FOLDS = names_of_runs(3)
INITIAL = 'stage1/winner.pth'


def weights_of(value):
    return {'w': torch.tensor([value])}


def finish(ledger, name, value, score, snapshots=()):
    save_checkpoint_file({'state_dict': weights_of(value), 'meta': {}}, 'best.pth')
    parents = [{'file': INITIAL, 'weights': hash_weights(weights_of(0.0))}]
    seen = [{'split': 'train', 'folds': 'x', 'parts': [int(name[-1])]}]
    entry = {'weights': hash_weights(weights_of(value)), 'val': {'mIoU': score}, 'holdout': {'mIoU': score}}
    found = {}
    for kind, other, its_score in snapshots:
        save_checkpoint_file({'state_dict': weights_of(other), 'meta': {}}, ledger.weights_path(f'{name}_{kind}'))
        found[kind] = {'weights': hash_weights(weights_of(other)), 'val': {'mIoU': its_score}}
    entry |= {'num_folds': 3, 'experiment': {}, 'lineage': {'parents': parents, 'seen': seen}, 'snapshots': found}
    ledger.record(name, entry, 'best.pth')


@pytest.fixture
def ledger(tmp_path, monkeypatch):
    """Folds with weights 1, 2 and 9, and a start of 0."""
    monkeypatch.chdir(tmp_path)
    save_checkpoint_file({'state_dict': weights_of(0.0), 'meta': {}}, INITIAL)
    ledger = StageLedger('stage2')
    for name, value, score in (('fold1', 1.0, 70.0), ('fold2', 2.0, 80.0), ('fold3', 9.0, 50.0)):
        finish(ledger, name, value, score)
    return ledger


def closeness_to(target):
    return lambda weights: 100 - 10 * abs(float(weights['w']) - target)


def noisy(target, images=40):
    """Matrices of images whose hits spread around the closeness to a target, for all weights in their own way."""

    def matrices(weights):
        spread = torch.randn(images, generator=torch.Generator().manual_seed(int(1000 * weights['w'])))
        hits = (closeness_to(target)(weights) + 20 * spread).int().tolist()
        return torch.stack([torch.tensor([[right, 200 - right], [0, 200]]) for right in hits])

    return matrices


def test_all_candidates_are_scored_in_one_pass_with_their_start(ledger):
    orders = []
    specs = ['best_fold', 'all_folds', 'top_k', 'path', 'ensemble', {'type': 'all_folds', 'bn': 'recalibrate'}]
    outcome = choose_winner(
        ledger, FOLDS, scorer_of(closeness_to(3.0), orders=orders), FusionRules(specs, at_once=12)
    )
    assert [sorted(order.weights) for order in orders] == [
        sorted(
            [
                'all_folds',
                'all_folds_bn',
                'top2',
                'path_0.25',
                'path_0.5',
                'path_0.75',
                'path_1.25',
                'initial',
                *FOLDS,
            ]
        )
    ]
    assert orders[0].ensemble == FOLDS
    assert outcome['ensemble'] == {'ingredients': FOLDS, 'val': {'mIoU': 99.0}}
    assert outcome['initial']['val']['mIoU'] == 70.0
    assert outcome['winner'] == 'path_0.75'
    assert load_weights(ledger.winner_path)['w'] == 3.0
    assert outcome['candidates']['best_fold']['val']['mIoU'] == 80.0
    assert outcome['candidates']['path_0.25']['ingredients'] == [*FOLDS, 'initial']
    assert outcome['candidates']['path_0.25']['coefficients'] == [0.25, 0.25, 0.25, 2.25]


def test_no_more_weights_than_allowed_are_in_memory_at_once(ledger):
    orders = []
    rules = FusionRules(['best_fold', 'all_folds', 'top_k', 'path'], at_once=2)
    whole = choose_winner(ledger, FOLDS, scorer_of(closeness_to(3.0)), FusionRules(rules.candidates))
    assert choose_winner(ledger, FOLDS, scorer_of(closeness_to(3.0), orders=orders), rules) == whole
    assert [len(order.weights) for order in orders] == [2, 2, 2, 2]


def test_chunks_keep_the_ensemble_together():
    names = dict.fromkeys('abcdefg')
    assert list(in_chunks(names, ['f', 'b', 'd'], 2)) == [['f', 'b', 'd'], ['a', 'c'], ['e', 'g']]
    assert list(in_chunks(names, ['f'], 3)) == [['f', 'a', 'b'], ['c', 'd', 'e'], ['g']]
    assert list(in_chunks(names, [], 4)) == [['a', 'b', 'c', 'd'], ['e', 'f', 'g']]


def test_recalibrated_twin_says_which_images_it_saw(ledger):
    choose_winner(
        ledger, FOLDS, scorer_of(closeness_to(4.0)), FusionRules([{'type': 'all_folds', 'bn': 'recalibrate'}])
    )
    lineage = load_checkpoint_file(ledger.winner_path)['meta']['lineage']
    assert lineage['statistics'] == {'split': 'train', 'images': 8}
    assert lineage['seen'][-1] == {'split': 'train'}
    assert load_checkpoint_file(ledger.winner_path)['state_dict']['w'] == 4.0


def test_the_ensemble_never_wins(ledger):
    with pytest.raises(StageError, match='can win'):
        choose_winner(ledger, FOLDS, scorer_of(closeness_to(4.0)), FusionRules(['ensemble']))


def test_the_soup_is_made_of_the_snapshots_that_help(ledger):
    finish(ledger, 'fold1', 1.0, 70.0, snapshots=[('last', 4.0, 90.0), ('ema', 6.0, 60.0)])
    outcome = choose_winner(ledger, FOLDS, scorer_of(closeness_to(3.0)), FusionRules(['greedy_soup']))
    assert outcome['candidates']['greedy_soup']['ingredients'] == ['fold2', 'fold1_last']
    assert outcome['candidates']['greedy_soup']['val']['mIoU'] == 100.0
    assert load_weights(ledger.winner_path)['w'] == 3.0


def test_a_single_snapshot_wins_as_it_is(ledger):
    finish(ledger, 'fold1', 1.0, 70.0, snapshots=[('last', 3.0, 100.0)])
    outcome = choose_winner(ledger, FOLDS, scorer_of(closeness_to(3.0)), FusionRules(['greedy_soup']))
    assert outcome['candidates']['greedy_soup']['file'] == 'fold1_last.pth'
    assert load_weights(ledger.winner_path)['w'] == 3.0


def test_snapshots_stay_with_their_fold(ledger):
    finish(ledger, 'fold1', 1.0, 70.0, snapshots=[('last', 3.0, 100.0)])
    ledger.archive(['fold2'])
    assert ledger.weights_path('fold1_last').is_file()


def test_a_tie_goes_to_the_simpler_candidate_if_asked(ledger):
    scorer = scorer_of(closeness_to(4.2), matrices=noisy(4.2))
    winners = {}
    for far in (True, False):
        finish(ledger, 'fold2', *((2.0, 78.0) if far else (3.7, 95.0)))
        winners[far] = [choose_winner(ledger, FOLDS, scorer, FusionRules(tie=tie))['winner'] for tie in TIES]
    assert TIES == ('higher', 'simpler')
    assert winners == {True: ['all_folds', 'all_folds'], False: ['all_folds', 'best_fold']}


def test_intervals_are_kept_and_a_stage_without_gain_says_so(ledger, monkeypatch):
    told = []
    monkeypatch.setattr('mmseg_custom.fusion.fuse_stage.print_log', lambda message, **_: told.append(message))
    choose_winner(ledger, FOLDS, scorer_of(closeness_to(4.0), matrices=noisy(4.0)))
    outcome = ledger.outcome()
    low, high = outcome['candidates']['all_folds']['interval']['val']
    assert low < high
    assert outcome['gain']['interval'][0] > 0
    assert outcome['gain']['mIoU'] == pytest.approx(40.0)
    assert not told
    outcome = choose_winner(ledger, FOLDS, scorer_of(closeness_to(-2.0), matrices=noisy(-2.0)))
    assert outcome['gain']['interval'][0] <= 0
    assert 'has no significant gain over its initial weights' in told[0]


def test_candidates_that_may_equal_the_winner_are_known(ledger):
    finish(ledger, 'fold2', 3.7, 95.0)
    rules = FusionRules(['best_fold', 'all_folds', {'type': 'path', 'steps': [0.25]}])
    choose_winner(ledger, FOLDS, scorer_of(closeness_to(4.2), matrices=noisy(4.2)), rules)
    outcome = ledger.outcome()
    assert outcome['winner'] == 'all_folds'
    equal = {name: may_equal_winner(entry) for name, entry in outcome['candidates'].items()}
    assert equal == {'best_fold': True, 'all_folds': False, 'path_0.25': False}
    assert outcome['candidates']['path_0.25']['behind_winner']['val'][0] > 0
    choose_winner(ledger, FOLDS, scorer_of(closeness_to(4.2)), rules)
    assert not any(may_equal_winner(entry) for entry in ledger.outcome()['candidates'].values())


def test_the_holdout_chooses_and_val_reports(ledger):
    def scorer(order):
        found = scorer_of(closeness_to(4.0))(order)
        for name, scored in found.items():
            scored.scores.update(val={'mIoU': 100.0 if name == 'top2' else 10.0})
        return found

    outcome = choose_winner(ledger, FOLDS, scorer, FusionRules(select_on='holdout'))
    assert (outcome['winner'], outcome['selected_on']) == ('all_folds', 'holdout')
    assert outcome['candidates']['all_folds']['val']['mIoU'] == 10.0
    assert choose_winner(ledger, FOLDS, scorer)['winner'] == 'top2'


def test_folds_that_were_not_scored_on_the_holdout_are_named(ledger):
    entry = ledger.entry('fold1')
    del entry['holdout']
    save_checkpoint_file({'state_dict': weights_of(1.0), 'meta': {}}, 'best.pth')
    ledger.record('fold1', entry, 'best.pth')
    with pytest.raises(StageError, match='fold1 has no score on holdout'):
        choose_winner(ledger, FOLDS, scorer_of(closeness_to(4.0)), FusionRules(select_on='holdout'))


def test_without_the_start_there_is_no_path(ledger):
    save_checkpoint_file({'state_dict': weights_of(5.0), 'meta': {}}, INITIAL)
    outcome = choose_winner(ledger, FOLDS, scorer_of(closeness_to(4.0)), FusionRules(['all_folds', 'path']))
    assert list(outcome['candidates']) == ['all_folds']
    assert 'initial' not in outcome


def test_val_may_choose_no_epoch_where_it_only_reports():
    FusionRules().check_validation({'split': 'val'})
    FusionRules(select_on='holdout').check_validation({'split': 'train', 'folds': 'x', 'parts': ['holdout']})
    with pytest.raises(StageError, match=r"val_dataloader\.dataset\.part='holdout'"):
        FusionRules(select_on='holdout').check_validation({'split': 'val'})


def test_the_files_of_all_candidates_are_counted():
    assert [FusionRules().count_averages(folds) for folds in (1, 2, 3, 5)] == [0, 1, 2, 2]
    specs = ['greedy_soup', 'top_k', 'ensemble', {'type': 'all_folds', 'bn': 'both'}]
    assert FusionRules(specs).count_averages(5) == 1 + 3 + 2


def test_folds_of_different_starts_have_no_common_one(ledger):
    entry = ledger.entry('fold1')
    entry['lineage']['parents'][0]['weights'] = 'others'
    save_checkpoint_file({'state_dict': weights_of(1.0), 'meta': {}}, 'best.pth')
    ledger.record('fold1', entry, 'best.pth')
    assert 'initial' not in choose_winner(ledger, FOLDS, scorer_of(closeness_to(4.0)))


def test_snapshots_in_a_checkpoint_of_mmsegmentation():
    averaged, raw = weights_of(1.0), weights_of(2.0)
    assert split_average(raw, None) == {'last': raw}
    found = split_average(averaged, {'module.w': raw['w'], 'steps': torch.tensor(3)})
    assert found == {'last': raw, 'ema': averaged}


@pytest.mark.parametrize(
    ('rules', 'error', 'named'),
    [
        ({'candidates': ['best']}, CandidateError, "'best' is unknown"),
        ({'select_on': 'train'}, StageError, "select_on='train'"),
        ({'tie': 'lower'}, StageError, "tie='lower'"),
        ({'at_once': 0}, StageError, 'at_once=0'),
        ({'init': 'scratch'}, StageError, "init='scratch'"),
    ],
)
def test_rules_that_do_not_exist_are_named(rules, error, named):
    with pytest.raises(error, match=named):
        FusionRules(**rules)
