import pytest
import torch

from mmseg_custom.averaging import AveragingError, average_state_dicts, candidate_members, rank_folds


def test_average_is_the_mean_and_counters_stay_integers():
    first = {'weight': torch.tensor([1.0, 2.0]), 'bn.num_batches_tracked': torch.tensor(3)}
    second = {'weight': torch.tensor([3.0, 6.0]), 'bn.num_batches_tracked': torch.tensor(8)}
    average = average_state_dicts([first, second])
    assert torch.equal(average['weight'], torch.tensor([2.0, 4.0]))
    assert average['bn.num_batches_tracked'].dtype == torch.int64
    assert average['bn.num_batches_tracked'] == 8


def test_sum_is_taken_in_float64():
    values = [torch.tensor([1e8]), torch.tensor([1.0]), torch.tensor([-1e8]), torch.tensor([1.0])]
    assert average_state_dicts([{'w': value} for value in values])['w'] == 0.5


def test_half_precision_keeps_its_dtype():
    average = average_state_dicts([{'w': torch.ones(2, dtype=torch.bfloat16)}] * 3)
    assert average['w'].dtype == torch.bfloat16


def test_average_of_one_is_itself_and_inputs_stay():
    state = {'w': torch.tensor([0.1])}
    average = average_state_dicts([state])
    average['w'].zero_()
    assert state['w'] == torch.tensor([0.1])


@pytest.mark.parametrize(
    ('other', 'named'),
    [
        ({'v': torch.zeros(2)}, "lacks \\['w'\\]"),
        ({'w': torch.zeros(3)}, r'\(3,\)'),
        ({'w': torch.zeros(2, dtype=torch.float64)}, 'float64'),
    ],
)
def test_different_architectures_are_named(other, named):
    with pytest.raises(AveragingError, match=named):
        average_state_dicts([{'w': torch.zeros(2)}, other])


def test_nothing_to_average():
    with pytest.raises(AveragingError, match='nothing'):
        average_state_dicts([])


def test_candidates_of_five_folds():
    scores = {'fold1': 10.0, 'fold2': 50.0, 'fold3': 30.0, 'fold4': 40.0, 'fold5': 20.0}
    assert candidate_members(scores) == {
        'best_fold': ['fold2'],
        'all_folds': ['fold1', 'fold2', 'fold3', 'fold4', 'fold5'],
        'top3': ['fold2', 'fold3', 'fold4'],
    }


def test_candidates_of_few_folds_are_not_repeated():
    assert candidate_members({'fold1': 2.0, 'fold2': 1.0}) == {
        'best_fold': ['fold1'],
        'all_folds': ['fold1', 'fold2'],
    }
    assert candidate_members({'full': 2.0}) == {'full': ['full']}


def test_ranking_puts_nan_last_and_equals_in_order():
    assert rank_folds({'fold1': float('nan'), 'fold10': 5.0, 'fold9': 5.0}) == ['fold9', 'fold10', 'fold1']


def test_long_and_turned_tensors_are_averaged_part_by_part():
    values = [torch.rand(700, 500).t(), torch.rand(500, 700), torch.rand(500, 700)]
    expected = (sum(value.double() for value in values) / 3).float()
    assert torch.equal(average_state_dicts([{'w': value} for value in values])['w'], expected)
