import pytest
import torch
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from reference_losses import IGNORED, LOSSES, WEIGHTS, random_batch

from mmseg_custom.models import CEDiceLoss, LabelSmoothCrossEntropyLoss, SoftDiceLoss


@pytest.mark.parametrize('loss_type', LOSSES)
@pytest.mark.parametrize('half', [torch.bfloat16, torch.float16])
@pytest.mark.parametrize('autocast', [False, True])
def test_half_precision_logits_are_computed_in_float32(loss_type, half, autocast):
    logits, target = random_batch()
    logits = logits.to(half)
    with torch.autocast('cpu', torch.bfloat16, enabled=autocast):
        value = loss_type()(logits, target)
    torch.testing.assert_close(value, loss_type()(logits.float(), target))


@pytest.mark.parametrize('loss_type', LOSSES)
def test_the_head_may_name_another_label_to_ignore(loss_type):
    logits, target = random_batch()
    for other in (-1, 0):
        moved = target.masked_fill(target == IGNORED, other)
        expected = loss_type()(logits, moved.masked_fill(moved == other, IGNORED))
        torch.testing.assert_close(loss_type()(logits, moved, ignore_index=other), expected)


@pytest.mark.parametrize('loss_type', LOSSES)
@pytest.mark.parametrize('wrong', [5, 254, -1])
def test_a_label_out_of_range_is_never_silent(loss_type, wrong):
    logits, target = random_batch()
    target[0, 0, 0] = wrong
    with pytest.raises((IndexError, RuntimeError), match='out of bounds'):
        loss_type()(logits, target)


@pytest.mark.parametrize('loss_type', LOSSES)
def test_no_step_depends_on_the_data(loss_type):
    logits = torch.randn(2, 5, 9, 11, device='meta', requires_grad=True)
    target = torch.zeros(2, 9, 11, dtype=torch.long, device='meta')
    loss = loss_type(class_weight=WEIGHTS).to('meta')(logits, target, weight=torch.ones(2, 9, 11, device='meta'))
    loss.backward()
    assert logits.grad.shape == logits.shape


@pytest.mark.parametrize(
    ('loss_type', 'options', 'message'),
    [
        (CEDiceLoss, {'alpha': 1.5}, 'alpha=1.5'),
        (LabelSmoothCrossEntropyLoss, {'label_smoothing': -0.1}, 'label_smoothing=-0.1'),
        (SoftDiceLoss, {'smooth': 0}, 'smooth=0'),
        (SoftDiceLoss, {'absent_classes': 'none'}, "absent_classes='none'"),
    ],
)
def test_wrong_arguments_are_named(loss_type, options, message):
    with pytest.raises(ValueError, match=message):
        loss_type(**options)


@pytest.mark.parametrize('loss_type', LOSSES)
def test_calls_that_cannot_be_answered_are_refused(loss_type):
    logits, target = random_batch()
    with pytest.raises(ValueError, match='class_weight has 2 entries'):
        loss_type(class_weight=[1.0, 2.0])(logits, target)
    with pytest.raises(ValueError, match="reduction_override='none'"):
        loss_type()(logits, target, reduction_override='none')
    with pytest.raises(ValueError, match='avg_factor=7'):
        loss_type()(logits, target, avg_factor=7)
    with pytest.raises(ValueError, match='target of shape'):
        loss_type()(logits, target[:, None])


def test_stock_head_takes_a_list_of_the_losses():
    names = ['CEDiceLoss', 'LabelSmoothCrossEntropyLoss', 'LabelSmoothCrossEntropyLoss', 'SoftDiceLoss']
    head = {'type': 'FCNHead', 'in_channels': 4, 'channels': 4, 'num_convs': 0, 'concat_input': False}
    head = MODELS.build(head | {'num_classes': 5, 'loss_decode': [{'type': name} for name in names]})
    logits, target = random_batch()
    samples = [SegDataSample(gt_sem_seg=PixelData(data=label[None])) for label in target]
    losses = head.loss_by_feat(logits, samples)
    assert set(losses) == {'loss_ce_dice', 'loss_ce', 'loss_dice', 'acc_seg'}
    torch.testing.assert_close(losses['loss_ce_dice'], CEDiceLoss()(logits, target))
    torch.testing.assert_close(losses['loss_ce'], 2 * LabelSmoothCrossEntropyLoss()(logits, target))
    torch.testing.assert_close(losses['loss_dice'], SoftDiceLoss()(logits, target))


def test_losses_add_nothing_to_the_state_dict():
    assert not CEDiceLoss(class_weight=WEIGHTS).state_dict()
