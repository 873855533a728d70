"""The losses as pure functions: sums over the pixels first, the loss from the sums second.

Shapes throughout: ``log_probs`` (N, C, H, W) as :func:`log_probabilities` gives them,
``target`` (N, H, W) int64 class indices, ``pixel_weight`` (N, H, W) from a pixel sampler or ``None``,
``class_weight`` (C,) or ``None``. Nothing here copies a value from a GPU, so the CPU never waits for it.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

Sums = tuple[Tensor, Tensor]
DiceSums = tuple[Tensor, Tensor, Tensor]


class PixelSums(NamedTuple):
    """What both terms need of a batch: :func:`cross_entropy_sums` and :func:`dice_sums`."""

    cross_entropy: Sums
    dice: DiceSums


def at_least_float32(values: Tensor) -> Tensor:
    """``values`` in float32, or in float64 if that is what they are."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def safe_ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    """``numerator / denominator``; where both are sums over nothing, 0 with a gradient of 0."""
    return numerator / torch.where(denominator == 0, torch.ones_like(denominator), denominator)


def weigh_pixels(target: Tensor, ignore_index: int, pixel_weight: Tensor | None, dtype: torch.dtype) -> Tensor:
    """Weight of every pixel, (N, H, W): 0 where ignored, else ``pixel_weight`` or 1."""
    valid = (target != ignore_index).to(dtype)
    return valid if pixel_weight is None else valid * pixel_weight.to(dtype)


def sum_by_class(values: Tensor, target: Tensor, num_classes: int) -> Tensor:
    """Sum ``values`` (N, H, W) over the pixels of each class, (C,).

    Row by row first: a single float32 accumulator a class would lose digits over millions of pixels.
    """
    rows = values.new_zeros((*values.shape[:-1], num_classes)).scatter_add(-1, target, values)
    return rows.sum((0, 1))


def log_probabilities(logits: Tensor) -> Tensor:
    """Log-softmax over the classes, at least in float32: what both terms start from, computed once."""
    return at_least_float32(logits).log_softmax(1)


def plain_sums(
    logits: Tensor,
    target: Tensor,
    *,
    label_smoothing: float = 0.0,
    class_weight: Tensor | None = None,
    pixel_weight: Tensor | None = None,
    ignore_index: int = 255,
    align_corners: bool = False,
) -> PixelSums:
    """The sums of both terms, step by step in tensors of full size.

    Args:
        logits: (N, C, h, w).
        target: (N, H, W); logits of another size are brought to it by bilinear interpolation.
        label_smoothing: As in :func:`cross_entropy_sums`. Defaults to 0.0.
        class_weight: (C,), of the cross-entropy. Defaults to ``None``.
        pixel_weight: (N, H, W). Defaults to ``None``.
        ignore_index: Label that does not count. Defaults to 255.
        align_corners: As in :func:`F.interpolate`. Defaults to ``False``.
    """
    logits = at_least_float32(logits)
    if logits.shape[2:] != target.shape[1:]:
        logits = F.interpolate(logits, target.shape[1:], mode='bilinear', align_corners=align_corners)
    log_probs = log_probabilities(logits)
    pixels = {'pixel_weight': pixel_weight, 'ignore_index': ignore_index}
    cross_entropy = cross_entropy_sums(
        log_probs, target, label_smoothing=label_smoothing, class_weight=class_weight, **pixels
    )
    return PixelSums(cross_entropy, dice_sums(log_probs, target, **pixels))


def cross_entropy_sums(
    log_probs: Tensor,
    target: Tensor,
    *,
    label_smoothing: float = 0.0,
    class_weight: Tensor | None = None,
    pixel_weight: Tensor | None = None,
    ignore_index: int = 255,
) -> Sums:
    """Numerator and divisor of the mean cross-entropy, two scalars.

    The smoothed target is ``one_hot * (1 - s) + s / C``; class weights act as in :func:`F.cross_entropy`,
    whose mean is the ratio of the two.

    Raises:
        IndexError: On the CPU, if a target is neither a class nor ``ignore_index`` (a GPU asserts).
    """
    class_weight = None if class_weight is None else class_weight.to(log_probs.dtype)
    losses = F.nll_loss(log_probs, target, weight=class_weight, ignore_index=ignore_index, reduction='none')
    if label_smoothing > 0:
        weighted = log_probs if class_weight is None else log_probs * class_weight.view(1, -1, 1, 1)
        losses = (1 - label_smoothing) * losses - label_smoothing * weighted.mean(1)
    weight = weigh_pixels(target, ignore_index, pixel_weight, log_probs.dtype)
    if class_weight is None:
        return (losses * weight).sum(), weight.sum()
    target = target.masked_fill(target == ignore_index, 0)
    return (losses * weight).sum(), (class_weight[target] * weight).sum()


def dice_sums(
    log_probs: Tensor, target: Tensor, *, pixel_weight: Tensor | None = None, ignore_index: int = 255
) -> DiceSums:
    """Intersection, predicted and labelled mass of every class over the batch, each (C,).

    Ignored pixels are in none of the sums.

    Raises:
        RuntimeError: On the CPU, if a target is neither a class nor ``ignore_index`` (a GPU asserts).
    """
    num_classes = log_probs.shape[1]
    probabilities = log_probs.exp()
    weight = weigh_pixels(target, ignore_index, pixel_weight, probabilities.dtype)
    target = target.masked_fill(target == ignore_index, 0)
    of_target = probabilities.gather(1, target.unsqueeze(1)).squeeze(1)
    return (
        sum_by_class(of_target * weight, target, num_classes),
        (probabilities * weight.unsqueeze(1)).sum((0, 2, 3)),
        sum_by_class(weight, target, num_classes),
    )


def dice_loss(
    sums: DiceSums, *, smooth: float = 1.0, class_weight: Tensor | None = None, skip_absent: bool = True
) -> Tensor:
    """``1 - mean over classes of (2 * intersection + smooth) / (predicted + labelled + smooth)``, a scalar.

    Args:
        sums: As :func:`dice_sums` returns them, over one batch or added up over several.
        smooth: Keeps the ratio of rare classes finite; must be positive. Defaults to 1.0.
        class_weight: Makes the mean over classes a weighted one. Defaults to ``None``.
        skip_absent: Take the mean over the classes that occur; if ``False`` over all C, the Dice of an absent
            class being 0. Defaults to ``True``.

    Returns:
        The loss; 0 if not one pixel counts.
    """
    intersection, predicted, labelled = sums
    present = (labelled > 0).to(labelled.dtype)
    weight = torch.ones_like(present) if class_weight is None else class_weight.to(present.dtype)
    counted = present if skip_absent else present.amax().expand_as(present)
    dice = (2 * intersection + smooth) / (predicted + labelled + smooth)
    return safe_ratio((weight * (counted - present * dice)).sum(), (weight * counted).sum())
