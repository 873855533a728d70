"""The losses written from the recipe, pixel by pixel in float64, and batches to compare on."""

import math

import torch

from mmseg_custom.models import CEDiceLoss, LabelSmoothCrossEntropyLoss, SoftDiceLoss

IGNORED = 255
WEIGHTS = [0.5, 2.0, 1.0, 3.0, 0.7]
LOSSES = [CEDiceLoss, LabelSmoothCrossEntropyLoss, SoftDiceLoss]


def random_batch(num_classes=5, present=4, seed=0):
    """Logits and labels of the first ``present`` classes, every seventh pixel or so ignored."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, num_classes, 9, 11, generator=generator) * 3
    target = torch.randint(0, present, (2, 9, 11), generator=generator)
    target[torch.rand(2, 9, 11, generator=generator) < 0.15] = IGNORED
    return logits, target


def hand_made_batch():
    """Probabilities (3/4, 1/4) labelled 0, (1/2, 1/2) labelled 1, and an ignored pixel."""
    logits = torch.tensor([[math.log(3), 0, 5], [0, 0, -5]]).reshape(1, 2, 1, 3)
    return logits, torch.tensor([0, 1, IGNORED]).reshape(1, 1, 3)


def valid_pixels(logits, target):
    valid = target != IGNORED
    target = target[valid]
    return logits.permute(0, 2, 3, 1)[valid], torch.nn.functional.one_hot(target, logits.shape[1]).to(logits)


def reference_cross_entropy(logits, target, smoothing=0.1, weights=None):
    logits, one_hot = valid_pixels(logits, target)
    weights = torch.ones_like(logits[0]) if weights is None else logits.new_tensor(weights)
    smoothed = one_hot * (1 - smoothing) + smoothing / logits.shape[1]
    return -(weights * smoothed * logits.log_softmax(1)).sum() / (weights * one_hot).sum()


def reference_dice(logits, target, smooth=1.0, weights=None, absent='skip'):
    logits, one_hot = valid_pixels(logits, target)
    probabilities = logits.softmax(1)
    weights = torch.ones_like(logits[0]) if weights is None else logits.new_tensor(weights)
    sums = probabilities.sum(0) + one_hot.sum(0)
    dice = (2 * (probabilities * one_hot).sum(0) + smooth) / (sums + smooth)
    present = one_hot.sum(0) > 0
    if absent == 'skip':
        return 1 - (weights * dice)[present].sum() / weights[present].sum()
    return 1 - (weights * dice * present).sum() / weights.sum()


def value_and_gradient(loss, logits, target):
    logits = logits.clone().requires_grad_()
    value = loss(logits, target)
    value.backward()
    return value.detach(), logits.grad


def assert_same(loss, reference, logits, target):
    value, gradient = value_and_gradient(loss, logits, target)
    expected, expected_gradient = value_and_gradient(reference, logits.double(), target)
    assert value.dtype == torch.float32
    assert abs(value - expected) < 1e-5 * abs(expected)
    assert (gradient - expected_gradient).abs().max() < 1e-5 * expected_gradient.abs().max()
