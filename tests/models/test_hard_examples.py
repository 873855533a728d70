"""MMEngine's OHEMPixelSampler on our head and losses."""

import pytest
import torch
from small_model import CLASSES, build_head

CE = {'type': 'LabelSmoothCrossEntropyLoss', 'label_smoothing': 0.0}
DICE = {'type': 'SoftDiceLoss', 'sampled': False}
SAMPLER = {'type': 'OHEMPixelSampler', 'thresh': 0.7, 'min_kept': 2}
SIDE = 4


def logits_and_labels():
    """Pixels of class 0 with probabilities 0.99 (row 0) and 0.1 or less (the others), the last row ignored."""
    logits = torch.zeros(1, CLASSES, SIDE, SIDE)
    logits[:, 0, 0] = torch.log(torch.tensor(0.99 / 0.01 * (CLASSES - 1)))
    logits[0, 0, 1:] = -1 - torch.arange(12).view(3, SIDE) / 10
    labels = torch.zeros(1, 1, SIDE, SIDE, dtype=torch.long)
    labels[:, :, -1] = 255
    return logits.requires_grad_(), labels


def loss_and_gradient(*losses, sampler=SAMPLER):
    logits, labels = logits_and_labels()
    found = build_head(loss_decode=list(losses), sampler=sampler).upsample_and_loss(logits, labels)
    loss = sum(value for name, value in found.items() if name.startswith('loss'))
    return loss, torch.autograd.grad(loss, logits)[0].abs().sum(1)[0]


def test_cross_entropy_is_that_of_the_hard_pixels():
    loss, gradient = loss_and_gradient(CE)
    logits, _ = logits_and_labels()
    assert loss.item() == pytest.approx(-logits.log_softmax(1)[0, 0, 1:3].mean().item())
    assert (gradient[1:3] > 0).all() and not gradient[0].any() and not gradient[3].any()


def test_some_pixels_are_kept_where_none_is_hard():
    loss, gradient = loss_and_gradient(CE, sampler={**SAMPLER, 'thresh': 1e-6})
    assert loss > 0 and gradient.nonzero().tolist() == [[2, 2], [2, 3]]


def test_dice_can_keep_all_labelled_pixels():
    _, gradient = loss_and_gradient(DICE)
    assert (gradient[:3] > 0).all() and not gradient[3].any()
    assert loss_and_gradient(DICE)[0] == loss_and_gradient(DICE, sampler=None)[0]
    _, of_hard = loss_and_gradient({**DICE, 'sampled': True})
    assert (of_hard[1:3] > 0).all() and not of_hard[0].any()


def test_terms_add_up():
    both, cross_entropy, dice = (
        loss_and_gradient(*losses)[0].item()
        for losses in ([{**CE, 'loss_weight': 0.6}, {**DICE, 'loss_weight': 0.4}], [CE], [DICE])
    )
    assert both == pytest.approx(0.6 * cross_entropy + 0.4 * dice)
