import math

import pytest
import torch
from reference_losses import (
    IGNORED,
    LOSSES,
    WEIGHTS,
    assert_same,
    hand_made_batch,
    random_batch,
    reference_cross_entropy,
    reference_dice,
    value_and_gradient,
)

from mmseg_custom.models import CEDiceLoss, LabelSmoothCrossEntropyLoss, SoftDiceLoss
from mmseg_custom.models.losses.pixel_sums import sum_by_class


@pytest.mark.parametrize('weights', [None, WEIGHTS])
@pytest.mark.parametrize('smoothing', [0.0, 0.1])
def test_cross_entropy_equals_its_formula(smoothing, weights):
    loss = LabelSmoothCrossEntropyLoss(smoothing, class_weight=weights)
    assert_same(loss, lambda *batch: reference_cross_entropy(*batch, smoothing, weights), *random_batch())


@pytest.mark.parametrize('weights', [None, WEIGHTS])
@pytest.mark.parametrize('absent', ['skip', 'zero'])
@pytest.mark.parametrize('smooth', [1.0, 0.01])
def test_dice_equals_its_formula(smooth, absent, weights):
    loss = SoftDiceLoss(smooth, absent, class_weight=weights)
    assert_same(loss, lambda *batch: reference_dice(*batch, smooth, weights, absent), *random_batch())


@pytest.mark.parametrize('weights', [None, WEIGHTS])
def test_combination_weighs_both_terms(weights):
    def reference(logits, target):
        terms = (
            reference_cross_entropy(logits, target, 0.2, weights),
            reference_dice(logits, target, 2.0, weights),
        )
        return 3 * (0.7 * terms[0] + 0.3 * terms[1])

    loss = CEDiceLoss(alpha=0.7, label_smoothing=0.2, smooth=2.0, class_weight=weights, loss_weight=3)
    assert_same(loss, reference, *random_batch())


def test_values_worked_by_hand():
    batch = hand_made_batch()
    assert LabelSmoothCrossEntropyLoss(0)(*batch).item() == pytest.approx(-math.log(3 / 8) / 2)
    smoothed = 0.95 * math.log(4 / 3) + 0.05 * math.log(4)
    cross_entropy = (smoothed + math.log(2)) / 2
    assert LabelSmoothCrossEntropyLoss()(*batch).item() == pytest.approx(cross_entropy)
    dice = 1 - (2.5 / 3.25 + 2 / 2.75) / 2
    assert SoftDiceLoss()(*batch).item() == pytest.approx(dice)
    assert CEDiceLoss()(*batch).item() == pytest.approx(0.6 * cross_entropy + 0.4 * dice)


def test_an_absent_class_is_skipped_or_counts_as_zero():
    logits, target = hand_made_batch()
    logits = torch.cat([logits, torch.full((1, 1, 1, 3), -100.0)], 1)
    both = 2.5 / 3.25 + 2 / 2.75
    assert SoftDiceLoss(absent_classes='skip')(logits, target).item() == pytest.approx(1 - both / 2)
    assert SoftDiceLoss(absent_classes='zero')(logits, target).item() == pytest.approx(1 - both / 3)


def test_a_perfect_prediction_costs_nothing_with_half_of_the_image_ignored():
    target = torch.randint(0, 5, (1, 8, 8))
    logits = 100.0 * torch.nn.functional.one_hot(target, 5).permute(0, 3, 1, 2)
    target[:, :4] = IGNORED
    assert SoftDiceLoss()(logits, target).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize('loss_type', LOSSES)
def test_ignored_pixels_get_exactly_no_gradient_and_all_others_some(loss_type):
    logits, target = random_batch()
    _, gradient = value_and_gradient(loss_type(class_weight=WEIGHTS), logits, target)
    per_pixel = gradient.abs().sum(1)
    assert (per_pixel[target == IGNORED] == 0).all()
    assert (per_pixel[target != IGNORED] > 0).all()


def test_the_gradient_of_the_combination_is_that_of_both_terms():
    batch = random_batch()
    _, cross_entropy = value_and_gradient(LabelSmoothCrossEntropyLoss(), *batch)
    _, dice = value_and_gradient(SoftDiceLoss(), *batch)
    _, both = value_and_gradient(CEDiceLoss(), *batch)
    assert min(cross_entropy.abs().max(), dice.abs().max()) > 0
    torch.testing.assert_close(both, 0.6 * cross_entropy + 0.4 * dice)


@pytest.mark.parametrize('loss_type', LOSSES)
@pytest.mark.parametrize('weights', [None, WEIGHTS])
def test_nothing_valid_is_zero_with_zero_gradient(loss_type, weights):
    for options in [{}] if loss_type is LabelSmoothCrossEntropyLoss else [{}, {'absent_classes': 'zero'}]:
        loss = loss_type(class_weight=weights, **options)
        value, gradient = value_and_gradient(loss, random_batch()[0], torch.full((2, 9, 11), IGNORED))
        assert value == 0
        assert (gradient == 0).all()


@pytest.mark.parametrize('loss_type', LOSSES)
def test_a_pixel_weight_of_zero_is_as_good_as_ignored(loss_type):
    logits, target = random_batch()
    chosen = torch.rand(target.shape, generator=torch.Generator().manual_seed(1)) < 0.5
    loss = loss_type(class_weight=WEIGHTS)
    weighted = loss(logits, target, weight=chosen.float())
    torch.testing.assert_close(weighted, loss(logits, target.masked_fill(~chosen, IGNORED)))
    torch.testing.assert_close(loss(logits, target, weight=torch.full(target.shape, 1.0)), loss(logits, target))


def test_pixel_weights_make_a_weighted_mean():
    logits, target = hand_made_batch()
    weight = torch.tensor([3.0, 1.0, 7.0]).reshape(1, 1, 3)
    expected = (3 * math.log(4 / 3) + math.log(2)) / 4
    assert LabelSmoothCrossEntropyLoss(0)(logits, target, weight=weight).item() == pytest.approx(expected)


def test_sums_by_class_keep_their_digits_over_many_pixels():
    values = torch.full((2, 1024, 1024), 0.1)
    sums = sum_by_class(values, torch.ones_like(values, dtype=torch.long), 3)
    assert sums[1].item() == pytest.approx(values.double().sum().item(), rel=2e-5)
    assert (sums[[0, 2]] == 0).all()
