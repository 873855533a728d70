"""How far a score would move with other images: percentile intervals of the bootstrap (Efron and Tibshirani 1993)."""

import math
from collections.abc import Hashable, Sequence

import numpy as np
import torch
from torch import Tensor

from mmseg_custom.evaluation.scores import iou_per_class

# The usual number for 95 % intervals: 25 resamples lie beyond either end.
RESAMPLES = 1000
MOST_DRAWN = 2**20  # Images of all resamples that are in memory together: 16 MB.

Interval = tuple[float, float]


def resampled_miou(matrices: Tensor, resamples: int = RESAMPLES, seed: int = 0) -> Tensor:
    """The mIoU, in percent, of images drawn again and again, with replacement.

    The same seed draws the same images, so that the difference of two models on the same images is a paired one. As
    in the score itself, a class counts where it occurs: one that few images show is missing from some of the draws.

    Args:
        matrices: The confusion matrix of each image, int64 (N, C, C).
        resamples: How often N images are drawn, R. Defaults to 1000.
        seed: Of the drawing. Defaults to 0.

    Returns:
        float64 (R,); NaN where nothing was counted.
    """
    return iou_per_class(_drawn_sums(matrices, resamples, seed)).nanmean(-1)


def miou_interval(matrices: Tensor, level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """The interval that mIoU lies in for a share ``level`` of the resamples, in percent.

    Args:
        matrices: The confusion matrix of each image, (N, C, C).
        level: Defaults to 0.95.
        resamples: As :func:`resampled_miou`.
        seed: As :func:`resampled_miou`.
    """
    return _percentiles(resampled_miou(matrices, resamples, seed), level)


def area_intervals(
    areas: Tensor,
    groups: Sequence[Hashable] | None = None,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[Interval, list[Interval]]:
    """The intervals of mIoU and of the IoU of each class, of images whose confusion matrices are not kept.

    Images of one group (a drive, a patient) are alike: drawn one by one they make the interval too narrow. The groups
    are then drawn instead, each with all of its images.

    Args:
        areas: Intersection, prediction and label of each class in each image, (N, 3, C).
        groups: The group of each image, N. Defaults to ``None``: each image is one.
        level: Defaults to 0.95.
        resamples: As :func:`resampled_miou`.
        seed: As :func:`resampled_miou`.

    Returns:
        Of mIoU, in percent, and of each class; NaN for a class that does not occur.
    """
    iou = _resampled_iou(areas, groups, resamples, seed)
    return _percentiles(iou.nanmean(-1), level), [_percentiles(column, level) for column in iou.unbind(1)]


def area_gain_intervals(
    before: Tensor,
    after: Tensor,
    groups: Sequence[Hashable] | None = None,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[Interval, list[Interval]]:
    """The intervals of the difference between two predictions of the same images, paired, in points.

    Args:
        before: Areas of one, as :func:`area_intervals` takes them.
        after: Of the other, of the same images in the same order; positive is better.
        groups: As :func:`area_intervals`.
        level: Defaults to 0.95.
        resamples: As :func:`resampled_miou`.
        seed: As :func:`resampled_miou`.

    Returns:
        Of mIoU and of the IoU of each class; NaN for a class that does not occur.
    """
    first, second = (_resampled_iou(areas, groups, resamples, seed) for areas in (before, after))
    miou = _percentiles(second.nanmean(-1) - first.nanmean(-1), level)
    return miou, [_percentiles(column, level) for column in (second - first).unbind(1)]


def _resampled_iou(areas: Tensor, groups: Sequence[Hashable] | None, resamples: int, seed: int) -> Tensor:
    units = areas if groups is None else _sum_groups(areas, groups)
    intersection, prediction, label = _drawn_sums(units, resamples, seed).unbind(1)
    return 100 * intersection / (prediction + label - intersection)


def _sum_groups(areas: Tensor, groups: Sequence[Hashable]) -> Tensor:
    numbers = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    index = torch.tensor([numbers[group] for group in groups])
    return areas.new_zeros(len(numbers), *areas.shape[1:]).index_add_(0, index, areas)


def gain_interval(
    before: Tensor, after: Tensor, level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """The interval of the difference in mIoU between two models on the same images, paired, in points.

    Args:
        before: The confusion matrix of each image for one model, (N, C, C).
        after: The same for the other, of the same images in the same order; positive is better.
        level: Defaults to 0.95.
        resamples: As :func:`resampled_miou`.
        seed: As :func:`resampled_miou`.

    Raises:
        ValueError: If the shapes differ.
    """
    if before.shape != after.shape:
        raise ValueError(f'A paired difference needs the same images: {tuple(before.shape)}, {tuple(after.shape)}.')
    gains = resampled_miou(after, resamples, seed) - resampled_miou(before, resamples, seed)
    return _percentiles(gains, level)


def _drawn_sums(units: Tensor, resamples: int, seed: int) -> Tensor:
    """The sums of units drawn with replacement, as many as there are, float64 (R, ...).

    Args:
        units: Integers of each image or group, (N, ...).
        resamples: R; so many of them at once that memory does not grow with N.
        seed: Of the drawing.
    """
    count, rng = len(units), np.random.default_rng(seed)
    flat, chances = units.reshape(count, -1).double(), np.full(count, 1 / count)
    rows = max(1, MOST_DRAWN // count)
    sizes = [min(rows, resamples - first) for first in range(0, resamples, rows)]
    drawn = (torch.from_numpy(rng.multinomial(count, chances, size=size)).double() for size in sizes)
    return torch.cat([times @ flat for times in drawn]).view(resamples, *units.shape[1:])


def _percentiles(values: Tensor, level: float) -> Interval:
    if bool(values.isnan().all()):
        return math.nan, math.nan
    low, high = np.nanpercentile(values.numpy(), [50 * (1 - level), 50 * (1 + level)]).tolist()
    return low, high
