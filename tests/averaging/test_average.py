import pytest
import torch

from mmseg_custom.averaging import AveragingError, average_state_dicts


def test_average_is_the_mean_and_counters_stay_integers():
    first = {'weight': torch.tensor([1.0, 2.0]), 'bn.num_batches_tracked': torch.tensor(3)}
    second = {'weight': torch.tensor([3.0, 6.0]), 'bn.num_batches_tracked': torch.tensor(8)}
    average = average_state_dicts([first, second])
    assert torch.equal(average['weight'], torch.tensor([2.0, 4.0]))
    assert average['bn.num_batches_tracked'].dtype == torch.int64
    assert average['bn.num_batches_tracked'] == 8
    counts = [{'n': torch.tensor(count)} for count in ([1, 5], [4, 2])]
    assert average_state_dicts(counts)['n'].tolist() == [4, 5]


def test_sum_is_taken_in_float64():
    values = [torch.tensor([1e8]), torch.tensor([1.0]), torch.tensor([-1e8]), torch.tensor([1.0])]
    assert average_state_dicts([{'w': value} for value in values])['w'] == 0.5


def test_half_precision_keeps_its_dtype():
    average = average_state_dicts([{'w': torch.ones(2, dtype=torch.bfloat16)}] * 3)
    assert average['w'].dtype == torch.bfloat16


def test_average_of_one_is_itself_and_inputs_stay():
    for dtype in (torch.float32, torch.float64):
        state = {'w': torch.tensor([0.1], dtype=dtype)}
        assert torch.equal(average_state_dicts([state], [2.0])['w'], state['w'])
        average_state_dicts([state, {'w': state['w'] + 1}], [2.0, 1.0])['w'].zero_()
        assert state['w'] == torch.tensor([0.1], dtype=dtype)


@pytest.mark.parametrize(
    ('other', 'named'),
    [
        ({'v': torch.zeros(2)}, "lacks \\['w'\\]"),
        ({}, r"^State dict 2 .* lacks \['w'\] and has \[\] besides \(1 and 0 keys"),
        ({'w': torch.zeros(2), 'v': torch.zeros(2)}, r"lacks \[\] and has \['v'\] besides \(0 and 1 keys"),
        ({'w': torch.zeros(3)}, r'\(3,\) torch.float32 in state dict 2'),
        ({'w': torch.zeros(2, dtype=torch.float64)}, 'float64'),
    ],
)
def test_different_architectures_are_named(other, named):
    with pytest.raises(AveragingError, match=named):
        average_state_dicts([{'w': torch.zeros(2)}, other])


def test_nothing_to_average():
    with pytest.raises(AveragingError, match='nothing'):
        average_state_dicts([])


def test_shares_are_relative_and_may_lead_beyond_the_end():
    ends = [{'w': torch.tensor([0.0]), 'bn.running_var': torch.tensor([8.0])}, {'w': torch.tensor([4.0])}]
    ends[1]['bn.running_var'] = torch.tensor([1.0])
    assert average_state_dicts(ends, [3.0, 1.0])['w'] == 1.0
    assert average_state_dicts(ends, [1.5, 0.5])['bn.running_var'] == 6.25
    ends[1]['w2'], ends[0]['w2'] = torch.tensor([-4.0]), torch.tensor([0.0])
    beyond = average_state_dicts(ends, [-0.25, 1.25])
    assert (beyond['w'], beyond['w2']) == (5.0, -5.0)
    assert beyond['bn.running_var'] == 0.0
    with pytest.raises(AveragingError, match='sum up to 0'):
        average_state_dicts(ends, [1.0, -1.0])


def test_long_and_turned_tensors_are_averaged_part_by_part():
    values = [torch.rand(700, 500).t(), torch.rand(500, 700), torch.rand(500, 700)]
    expected = (sum(value.double() for value in values) / 3).float()
    assert torch.equal(average_state_dicts([{'w': value} for value in values])['w'], expected)
