import pytest
import torch
from mmseg.models.losses import LovaszLoss
from small_model import CE_DICE, assert_every_parameter_learns, build_model, objective

from mmseg_custom.models import LovaszSoftmaxLoss
from mmseg_custom.models.losses.lovasz_softmax_loss import lovasz_softmax

CLASSES = 4


def batch(ignored=20):
    torch.manual_seed(0)
    target = torch.randint(0, CLASSES - 1, (2, 6, 8))  # the last class does not occur
    target.view(-1)[:ignored] = 255
    return torch.randn(2, CLASSES, 6, 8, requires_grad=True), target


def test_value_worked_by_hand():
    # Class 0 of pixels 0 and 1: errors 0.5 (pixel 2, not of the class), 0.4, 0.1. 1 - IoU after each: 1/3, 2/3, 1.
    probabilities = torch.tensor([[0.6, 0.9, 0.5], [0.4, 0.1, 0.5]]).view(1, 2, 1, 3)
    target = torch.tensor([[[0, 0, 1]]])
    of_first = 0.5 / 3 + 0.4 / 3 + 0.1 / 3
    # Class 1 of pixel 2: errors 0.5 (of the class), 0.4, 0.1. After the first one IoU is 0.
    of_second = 0.5
    assert lovasz_softmax(probabilities, target).item() == pytest.approx((of_first + of_second) / 2)
    wrong, ignored = torch.tensor([0.0, 1.0]).view(1, 2, 1, 1), torch.full((1, 1, 1), 255)
    with_ignored = lovasz_softmax(torch.cat([probabilities, wrong], 3), torch.cat([target, ignored], 2))
    assert with_ignored.item() == pytest.approx((of_first + of_second) / 2)


def test_value_and_gradient_are_mmsegmentation():
    logits, target = batch()
    ours, hosts = LovaszSoftmaxLoss(loss_weight=2.0), LovaszLoss(reduction='none', loss_weight=2.0)
    values = [loss(logits, target, ignore_index=255) for loss in (ours, hosts)]
    gradients = [torch.autograd.grad(value, logits)[0] for value in values]
    assert values[0].item() == pytest.approx(values[1].item())
    assert torch.allclose(*gradients, atol=1e-8)
    ignored = (target == 255).unsqueeze(1).expand_as(logits)
    assert not gradients[0][ignored].any() and gradients[0][~ignored].any()


@pytest.mark.parametrize('labelled', [0, 1])
def test_hardly_a_labelled_pixel_is_no_error(labelled):
    logits, target = batch(ignored=2 * 6 * 8 - labelled)
    loss = LovaszSoftmaxLoss()(logits, target)
    gradient = torch.autograd.grad(loss, logits)[0]
    assert gradient.isfinite().all() and bool(loss > 0) == bool(labelled) == bool(gradient.any())


def test_stock_still_fails_there():
    """The reason that there is one of our own."""
    logits, target = batch(ignored=96)
    assert LovaszLoss(reduction='none')(logits, target, ignore_index=255).mean().isnan()
    with pytest.raises(IndexError):
        LovaszLoss(reduction='none')(*batch(ignored=95), ignore_index=255)


def test_head_takes_it_beside_another_loss():
    model = build_model({'loss_decode': [CE_DICE, {'type': 'LovaszSoftmaxLoss', 'loss_weight': 0.5}]}).train()
    loss, log = objective(model)
    assert torch.isclose(loss, log['decode.loss_ce_dice'] + log['decode.loss_lovasz'])
    loss.backward()
    assert_every_parameter_learns(model)
