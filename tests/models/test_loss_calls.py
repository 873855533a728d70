import pytest
import torch
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from reference_losses import IGNORED, LOSSES, WEIGHTS, random_batch

from mmseg_custom.models import CEDiceLoss, LabelSmoothCrossEntropyLoss, LovaszSoftmaxLoss, SoftDiceLoss
from mmseg_custom.models.losses.calls import LossError

ALL = [*LOSSES, LovaszSoftmaxLoss]


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


@pytest.mark.parametrize('loss_type', ALL)
def test_calls_that_cannot_be_answered_are_refused(loss_type):
    logits, target = random_batch()
    for error, call in {
        "reduction_override='none'": lambda: loss_type()(logits, target, reduction_override='none'),
        'avg_factor=7': lambda: loss_type()(logits, target, avg_factor=7),
        'target of shape': lambda: loss_type()(logits, target[:, None]),
        r'\(2, 1, 9, 11\) have one channel': lambda: loss_type()(logits[:, :1], target),
        'Labels of type torch.float32': lambda: loss_type()(logits, target.float()),
    }.items():
        with pytest.raises(LossError, match=error):
            call()


@pytest.mark.parametrize('loss_type', LOSSES)
def test_class_weights_of_another_number_are_refused(loss_type):
    with pytest.raises(LossError, match='class_weight has 2 entries'):
        loss_type(class_weight=[1.0, 2.0])(*random_batch())


@pytest.mark.parametrize('loss_type', ALL)
def test_what_a_base_config_says_of_another_loss_is_taken_where_it_is_true(loss_type):
    loss_type(use_sigmoid=False, avg_non_ignore=True, reduction='mean')
    for option, message in {
        'use_sigmoid': rf'{loss_type.__name__} is a softmax over the classes .* use_sigmoid=True is not',
        'gamma': rf"{loss_type.__name__} has no gamma=True: .*_delete_=True, type='{loss_type.__name__}'",
    }.items():
        with pytest.raises(LossError, match=message):
            loss_type(**{option: True})


@pytest.mark.parametrize('loss_type', ALL)
def test_labels_may_be_of_any_integer_type(loss_type):
    logits, target = random_batch()
    for integers in (torch.uint8, torch.int32):
        assert torch.equal(loss_type()(logits, target.to(integers)), loss_type()(logits, target))


@pytest.mark.parametrize('loss_type', ALL)
def test_an_empty_batch_costs_nothing_and_has_a_gradient(loss_type):
    logits = torch.zeros(0, 5, 9, 11, requires_grad=True)
    value = loss_type()(logits, torch.zeros(0, 9, 11, dtype=torch.long))
    value.backward()
    assert value == 0 and logits.grad.shape == logits.shape


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
