"""The sums of the losses and their gradient in two passes over bands of rows.

The plain twin, :func:`~mmseg_custom.models.losses.ce_dice_loss.plain_sums`, holds log-probabilities, probabilities
and their gradients at full size. Here the first pass keeps of each pixel its highest logit and the sum of the
exponentials less that; the second computes the gradient from them. A band fits into the cache; logits smaller than
the labels are upsampled within it. Nothing copies a value from a GPU.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from mmseg_custom.models.losses.pixel_sums import PixelSums, sum_by_class, weigh_pixels
from mmseg_custom.models.row_bands import SameSize, Shares, Upsampled, band_rows, map_bands
from mmseg_custom.models.uncompiled import uncompiled


class FusedOptions(NamedTuple):
    """What the passes have to know beside the tensors; as in :func:`fused_sums`."""

    label_smoothing: float
    ignore_index: int
    align_corners: bool


class Pixels(NamedTuple):
    """A band of labels, each (N, 1, rows, W): class (0 if ignored), weight (0 if ignored), weight of the class.

    A class weight that is the same for all is a single number.
    """

    label: Tensor
    weight: Tensor
    class_weight: Tensor


@uncompiled  # The bands run in threads.
def fused_sums(
    logits: Tensor,
    target: Tensor,
    *,
    label_smoothing: float = 0.0,
    class_weight: Tensor | None = None,
    pixel_weight: Tensor | None = None,
    ignore_index: int = 255,
    align_corners: bool = False,
) -> PixelSums:
    """What ``plain_sums`` gives, with less time and memory; arguments as there.

    The gradient is that of the logits, once: there is none of the pixel weights and no second derivative.
    """
    dtype = torch.promote_types(logits.dtype, torch.float32)
    weights = logits.new_ones(1, dtype=dtype) if class_weight is None else class_weight.to(dtype)
    options = FusedOptions(label_smoothing, ignore_index, align_corners)
    sums = _FusedSums.apply(logits, target, weights, pixel_weight, options)
    return PixelSums(sums[:2], sums[2:])


class _FusedSums(Function):
    """Sum and divisor of the cross-entropy; intersection, predicted and labelled mass of each class."""

    @staticmethod
    def forward(
        ctx: Any,
        logits: Tensor,
        target: Tensor,
        class_weight: Tensor,
        pixel_weight: Tensor | None,
        options: FusedOptions,
    ) -> tuple[Tensor, ...]:
        source = _source(logits, target, options)
        highest = class_weight.new_empty((target.shape[0], 1, *target.shape[1:]))
        total = torch.empty_like(highest)

        def sums_of(rows: slice) -> tuple[Tensor, ...]:
            values = source.band(rows)
            torch.amax(values, 1, keepdim=True, out=highest[:, :, rows])
            values = values - highest[:, :, rows]
            pixels = _pixels(target, class_weight, pixel_weight, rows, options)
            return _band_sums(values, total[:, :, rows], pixels, class_weight, options.label_smoothing)

        bands = map_bands(sums_of, band_rows(logits.shape[1], target), logits.device)
        ctx.save_for_backward(logits, target, class_weight, pixel_weight, highest, total)
        ctx.options = options
        sums = tuple(torch.stack(parts).sum(0) for parts in zip(*bands, strict=True))
        ctx.mark_non_differentiable(sums[1], sums[4])
        return sums

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *of_sums: Tensor) -> tuple[Tensor | None, ...]:
        logits, target, class_weight, pixel_weight, highest, total = ctx.saved_tensors
        source = _source(logits, target, ctx.options)
        gradient = source.empty_gradient()

        def enter(rows: slice) -> Shares:
            values = (source.band(rows) - highest[:, :, rows]).exp_()
            pixels = _pixels(target, class_weight, pixel_weight, rows, ctx.options)
            smoothing = ctx.options.label_smoothing
            _band_gradient(values, total[:, :, rows], pixels, class_weight, smoothing, of_sums)
            return source.enter(gradient, rows, values)

        for shares in map_bands(enter, band_rows(logits.shape[1], target), logits.device):
            for small_rows, share in shares:
                gradient.index_add_(2, small_rows, share)
        return gradient.to(logits.dtype), None, None, None, None


def _source(logits: Tensor, target: Tensor, options: FusedOptions) -> SameSize | Upsampled:
    if logits.shape[2:] == target.shape[1:]:
        return SameSize(logits)
    return Upsampled(logits, target.shape[1:], options.align_corners)


def _pixels(
    target: Tensor, class_weight: Tensor, pixel_weight: Tensor | None, rows: slice, options: FusedOptions
) -> Pixels:
    target = target[:, None, rows]
    if pixel_weight is not None:
        pixel_weight = pixel_weight[:, None, rows]
    weight = weigh_pixels(target, options.ignore_index, pixel_weight, class_weight.dtype)
    label = target.masked_fill(target == options.ignore_index, 0)
    return Pixels(label, weight, class_weight if class_weight.numel() == 1 else class_weight[label])


def _band_sums(
    values: Tensor, total: Tensor, pixels: Pixels, class_weight: Tensor, smoothing: float
) -> tuple[Tensor, ...]:
    """The sums of a band.

    Args:
        values: Logits less the highest of the pixel; overwritten.
        total: Takes the sum of exponentials.
        pixels: The labels.
        class_weight: (C,) or (1,).
        smoothing: As ``label_smoothing``.
    """
    of_label = values.gather(1, pixels.label)
    of_all = _over_classes(values, class_weight) if smoothing > 0 else 0
    torch.sum(values.exp_(), 1, keepdim=True, out=total)
    log_total = total.log()
    losses = (1 - smoothing) * pixels.class_weight * (log_total - of_label)
    losses += smoothing * (class_weight.mean() * log_total - of_all / values.shape[1])
    probability = of_label.exp() / total
    return (
        (losses * pixels.weight).sum(),
        (pixels.class_weight * pixels.weight).sum(),
        _by_class(probability * pixels.weight, pixels.label, values.shape[1]),
        values.mul_(pixels.weight / total).sum((0, 2, 3)),
        _by_class(pixels.weight, pixels.label, values.shape[1]),
    )


def _band_gradient(
    values: Tensor,
    total: Tensor,
    pixels: Pixels,
    class_weight: Tensor,
    smoothing: float,
    of_sums: tuple[Tensor, ...],
) -> None:
    """Turn the exponentials of a band into the gradient of its logits.

    With p the probabilities of a pixel, u its weight, y its label, w the class weights, s the smoothing and N, I, P
    the derivatives by the sums, it is u * (p * (P + N * ((1 - s) * w_y + s * mean(w)) - p_y * I_y - sum(p * P))
    - N * s * w / C), and for y besides u * (p_y * I_y - N * (1 - s) * w_y).
    """
    of_loss, _, of_intersection, of_predicted, _ = of_sums
    hard = of_loss * (1 - smoothing) * pixels.class_weight
    of_label = of_intersection[pixels.label] * values.gather(1, pixels.label) / total
    common = hard + of_loss * smoothing * class_weight.mean()
    common = common - of_label - _over_classes(values, of_predicted) / total
    share = pixels.weight / total
    values.mul_(torch.addcmul(common * share, share, of_predicted.view(1, -1, 1, 1)))
    if smoothing > 0:
        soft = of_loss * class_weight * (-smoothing / values.shape[1])
        values.addcmul_(pixels.weight, soft.view(1, -1, 1, 1))
    values.scatter_add_(1, pixels.label, pixels.weight * (of_label - hard))


def _over_classes(values: Tensor, weight: Tensor) -> Tensor:
    weighted = values if weight.numel() == 1 else values * weight.view(1, -1, 1, 1)
    return weighted.sum(1, keepdim=True)


def _by_class(values: Tensor, label: Tensor, num_classes: int) -> Tensor:
    return sum_by_class(values.squeeze(1), label.squeeze(1), num_classes)
