"""What the formulas and their fast twin share: sums over pixels in which an ignored pixel has no part."""

from typing import NamedTuple

import torch
from torch import Tensor

Sums = tuple[Tensor, Tensor]
DiceSums = tuple[Tensor, Tensor, Tensor]


class PixelSums(NamedTuple):
    """What the losses need of a batch.

    Attributes:
        cross_entropy: Numerator and divisor of the mean, two scalars.
        dice: Intersection, predicted and labelled mass of each class, each (C,).
    """

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
