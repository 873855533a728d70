"""Cross-entropy and Dice: the formulas, then the losses that are made of them.

Every loss here is a function of a few sums over pixels: a smoothed cross-entropy is one sum over another, Dice three
sums a class. :func:`plain_sums` says what they are; :func:`~mmseg_custom.models.losses.fused.fused_sums` computes the
same in less time and memory, and is what trains. On several processes the sums are added up before the loss is taken.

Shapes throughout: ``log_probs`` (N, C, H, W), ``target`` (N, H, W) int64 class indices, ``pixel_weight`` (N, H, W)
from a pixel sampler or ``None``, ``class_weight`` (C,) or ``None``. Nothing here copies a value from a GPU, so the
CPU never waits for it.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_custom.models.global_sums import global_sums
from mmseg_custom.models.losses.calls import LossError, check_options, check_pixels, check_reduction, checked_target
from mmseg_custom.models.losses.fused import fused_sums
from mmseg_custom.models.losses.pixel_sums import (
    DiceSums,
    PixelSums,
    Sums,
    at_least_float32,
    safe_ratio,
    sum_by_class,
    weigh_pixels,
)

ABSENT_CLASSES = ('skip', 'zero')


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
    sums: DiceSums, *, smooth: float = 1.0, class_weight: Tensor | None = None, absent_classes: str = 'skip'
) -> Tensor:
    """``1 - mean over classes of (2 * intersection + smooth) / (predicted + labelled + smooth)``, a scalar.

    Args:
        sums: As :func:`dice_sums` returns them, over one batch or added up over several.
        smooth: Keeps the ratio of rare classes finite; positive. Defaults to 1.0.
        class_weight: Makes the mean over classes a weighted one. Defaults to ``None``.
        absent_classes: As in :class:`SoftDiceLoss`. Defaults to ``'skip'``.

    Returns:
        The loss; 0 if not one pixel counts.
    """
    intersection, predicted, labelled = sums
    present = (labelled > 0).to(labelled.dtype)
    weight = torch.ones_like(present) if class_weight is None else class_weight.to(present.dtype)
    counted = present if absent_classes == 'skip' else present.amax().expand_as(present)
    dice = (2 * intersection + smooth) / (predicted + labelled + smooth)
    return safe_ratio((weight * (counted - present * dice)).sum(), (weight * counted).sum())


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
        logits: (N, C, h, w); those of another size than the labels are brought to it by bilinear interpolation.
        target: (N, H, W).
        label_smoothing: As in :func:`cross_entropy_sums`. Defaults to 0.0.
        class_weight: (C,), of the cross-entropy. Defaults to ``None``.
        pixel_weight: (N, H, W). Defaults to ``None``.
        ignore_index: Label that does not count. Defaults to 255.
        align_corners: As in :func:`F.interpolate`. Defaults to ``False``.
    """
    logits = at_least_float32(logits)
    if logits.shape[2:] != target.shape[1:]:
        logits = F.interpolate(logits, target.shape[1:], mode='bilinear', align_corners=align_corners)
    log_probs = logits.log_softmax(1)
    cross_entropy = cross_entropy_sums(
        log_probs,
        target,
        label_smoothing=label_smoothing,
        class_weight=class_weight,
        pixel_weight=pixel_weight,
        ignore_index=ignore_index,
    )
    return PixelSums(
        cross_entropy, dice_sums(log_probs, target, pixel_weight=pixel_weight, ignore_index=ignore_index)
    )


IMPLEMENTATIONS = {'fused': fused_sums, 'plain': plain_sums}


class SegmentationLoss(nn.Module, ABC):
    """A loss of :class:`PixelSums` as MMSegmentation's decode heads call it; a subclass supplies :meth:`terms`.

    Args:
        loss_name: Key of the value in the log; a name that starts with ``loss_`` is part of the objective.
        class_weight: One weight a class; a config may name the file of ``prepare_data.py --class-weights`` instead.
            Defaults to ``None``, all equal.
        ignore_index: Label that does not count, unless the head passes its own. Defaults to 255.
        loss_weight: Factor on the value. Defaults to 1.0.
        implementation: ``'fused'``, in bands of rows, or ``'plain'``, in tensors of full size: the same value and
            gradient; only the plain one has a second derivative. Defaults to ``'fused'``.
        sync: In training on several processes, take every sum over the batches of all of them: value and gradient
            are then those of one process with the whole batch. If ``False``, each process has the loss of its own
            batch. Defaults to ``True``.
        sampled: Let the weights of a pixel sampler count. ``False`` passes them over: with hard examples alone Dice
            would be that of the hard pixels, not of the classes. Defaults to ``True``.
        **others: What a base config may say of MMSegmentation's losses, at the value that describes this one too
            (:data:`~mmseg_custom.models.losses.calls.ALREADY_SO`).

    Raises:
        LossError: If an argument has a value that cannot be.
    """

    class_weight: Tensor | None
    label_smoothing = 0.0

    def __init__(
        self,
        loss_name: str,
        class_weight: Sequence[float] | None = None,
        ignore_index: int = 255,
        loss_weight: float = 1.0,
        implementation: str = 'fused',
        sync: bool = True,
        sampled: bool = True,
        **others: Any,
    ) -> None:
        super().__init__()
        check_options(type(self).__name__, others)
        if implementation not in IMPLEMENTATIONS:
            raise LossError(f'implementation={implementation!r} is unknown: use one of {tuple(IMPLEMENTATIONS)}.')
        self.implementation, self.sync, self.sampled = implementation, sync, sampled
        self.register_buffer('class_weight', _as_tensor(class_weight), persistent=False)
        self.loss_name, self.ignore_index, self.loss_weight = loss_name, ignore_index, loss_weight

    @abstractmethod
    def terms(self, sums: PixelSums) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss before ``loss_weight``, and the parts that it is made of, by name."""

    def loss_and_parts(
        self,
        pred: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        ignore_index: int | None = None,
        align_corners: bool | None = None,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss and, detached for the log, its unweighted parts.

        Args:
            pred: Logits (N, C, H, W), or (N, C, h, w) with ``align_corners``.
            target: Class indices (N, H, W), integers.
            weight: Pixel weights (N, H, W) of a pixel sampler. If ``sampled``, every sum becomes a weighted one, so
                that 0 is as good as ignored. Defaults to ``None``.
            ignore_index: Overrides the module's own. Defaults to ``None``.
            align_corners: Bring the logits to the size of the labels by bilinear interpolation, with this rule for
                the corners. Defaults to ``None``, another size is an error.

        Raises:
            LossError: If the shapes do not fit each other or the class weights, or labels are no integers.
        """
        size = None if align_corners is None else target.shape[1:]
        target = checked_target(type(self).__name__, pred, target, size)
        if weight is not None:
            check_pixels(pred, 'weight', weight, size)
        self._check_class_weight(pred.shape[1])
        sums = IMPLEMENTATIONS[self.implementation](
            pred,
            target,
            label_smoothing=self.label_smoothing,
            class_weight=self.class_weight,
            pixel_weight=weight if self.sampled else None,
            ignore_index=self.ignore_index if ignore_index is None else ignore_index,
            align_corners=bool(align_corners),
        )
        if self.sync and self.training:
            numerator, divisor, *dice = global_sums([*sums.cross_entropy, *sums.dice])
            sums = PixelSums((numerator, divisor), (dice[0], dice[1], dice[2]))
        total, parts = self.terms(sums)
        return self.loss_weight * total, {name: part.detach() for name, part in parts.items()}

    def forward(
        self,
        pred: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        avg_factor: float | None = None,
        reduction_override: str | None = None,
        ignore_index: int | None = None,
        **kwargs: Any,
    ) -> Tensor:
        """The loss alone, a scalar; as :meth:`loss_and_parts`, and MMSegmentation's further arguments are ignored.

        Raises:
            LossError: If a value other than the mean is asked for.
        """
        check_reduction(type(self).__name__, avg_factor, reduction_override)
        return self.loss_and_parts(pred, target, weight, ignore_index)[0]

    def _check_class_weight(self, num_classes: int) -> None:
        if self.class_weight is not None and self.class_weight.numel() != num_classes:
            raise LossError(
                f'class_weight has {self.class_weight.numel()} entries, but the logits have {num_classes} classes: '
                'give one weight a class.'
            )

    def extra_repr(self) -> str:
        """Name and weight for the printed model."""
        return (
            f'loss_name={self.loss_name!r}, loss_weight={self.loss_weight}, ignore_index={self.ignore_index}, '
            f'implementation={self.implementation!r}, sync={self.sync}, sampled={self.sampled}'
        )


@MODELS.register_module()
class LabelSmoothCrossEntropyLoss(SegmentationLoss):
    """Cross-entropy against ``one_hot * (1 - s) + s / C``, the mean over the pixels that count.

    `Rethinking the Inception Architecture <https://arxiv.org/abs/1512.00567>`_, section 7.

    Args:
        label_smoothing: s, from 0 (plain cross-entropy) to 1. Defaults to 0.1, the value of the paper.
        loss_name: Key in the log. Defaults to ``'loss_ce'``.
        **kwargs: As :class:`SegmentationLoss`.

    Raises:
        LossError: If ``label_smoothing`` lies outside [0, 1].
    """

    def __init__(self, label_smoothing: float = 0.1, loss_name: str = 'loss_ce', **kwargs: Any) -> None:
        super().__init__(loss_name, **kwargs)
        _check_share('label_smoothing', label_smoothing)
        self.label_smoothing = label_smoothing

    def terms(self, sums: PixelSums) -> tuple[Tensor, dict[str, Tensor]]:
        """The cross-entropy; it has no parts."""
        return safe_ratio(*sums.cross_entropy), {}


@MODELS.register_module()
class SoftDiceLoss(SegmentationLoss):
    """One minus the mean over classes of the Dice coefficient of softmax and label over the whole batch.

    `V-Net <https://arxiv.org/abs/1606.04797>`_, with the plain sums in place of the squared ones.

    Args:
        smooth: Added above and below the fraction; positive. Defaults to 1.0.
        absent_classes: ``'skip'`` takes the mean over the classes of the batch; ``'zero'`` over all, the Dice
            of an absent class being 0, which is an offset and a smaller gradient. Defaults to ``'skip'``.
        loss_name: Key in the log. Defaults to ``'loss_dice'``.
        **kwargs: As :class:`SegmentationLoss`; ``class_weight`` makes the mean over classes a weighted one.

    Raises:
        LossError: If ``smooth`` is not positive or ``absent_classes`` is unknown.
    """

    def __init__(
        self, smooth: float = 1.0, absent_classes: str = 'skip', loss_name: str = 'loss_dice', **kwargs: Any
    ) -> None:
        super().__init__(loss_name, **kwargs)
        _check_dice(smooth, absent_classes)
        self.smooth, self.absent_classes = smooth, absent_classes

    def terms(self, sums: PixelSums) -> tuple[Tensor, dict[str, Tensor]]:
        """The Dice loss; it has no parts."""
        settings = {'smooth': self.smooth, 'absent_classes': self.absent_classes}
        return dice_loss(sums.dice, class_weight=self.class_weight, **settings), {}


@MODELS.register_module()
class CEDiceLoss(SegmentationLoss):
    """``alpha * cross-entropy + (1 - alpha) * Dice``, both in the gradient and, by name, in the log.

    Args:
        alpha: Weight of the cross-entropy, from 0 to 1. Defaults to 0.6, that of the published recipe.
        label_smoothing: As in :class:`LabelSmoothCrossEntropyLoss`. Defaults to 0.1.
        smooth: As in :class:`SoftDiceLoss`. Defaults to 1.0.
        absent_classes: As in :class:`SoftDiceLoss`. Defaults to ``'skip'``.
        loss_name: Key in the log. Defaults to ``'loss_ce_dice'``.
        **kwargs: As :class:`SegmentationLoss`; ``class_weight`` is that of both terms.

    Raises:
        LossError: If ``alpha`` lies outside [0, 1], or an argument of a term is wrong.
    """

    def __init__(
        self,
        alpha: float = 0.6,
        label_smoothing: float = 0.1,
        smooth: float = 1.0,
        absent_classes: str = 'skip',
        loss_name: str = 'loss_ce_dice',
        **kwargs: Any,
    ) -> None:
        super().__init__(loss_name, **kwargs)
        _check_share('alpha', alpha)
        _check_share('label_smoothing', label_smoothing)
        _check_dice(smooth, absent_classes)
        self.alpha, self.label_smoothing = alpha, label_smoothing
        self.smooth, self.absent_classes = smooth, absent_classes

    def terms(self, sums: PixelSums) -> tuple[Tensor, dict[str, Tensor]]:
        """The weighted sum; its parts are ``ce`` and ``dice``, each as it is before weighting."""
        settings = {'smooth': self.smooth, 'absent_classes': self.absent_classes}
        ce = safe_ratio(*sums.cross_entropy)
        dice = dice_loss(sums.dice, class_weight=self.class_weight, **settings)
        return self.alpha * ce + (1 - self.alpha) * dice, {'ce': ce, 'dice': dice}


def _as_tensor(class_weight: Sequence[float] | None) -> Tensor | None:
    if isinstance(class_weight, str):
        raise LossError(
            f'class_weight={class_weight!r} is neither a list of numbers, one a class, nor a file that '
            '`python tools/prepare_data.py CONFIG --class-weights` wrote: write it with that.'
        )
    return None if class_weight is None else torch.tensor(class_weight, dtype=torch.float32)


def _check_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise LossError(f'{name}={value} must lie between 0 and 1.')


def _check_dice(smooth: float, absent_classes: str) -> None:
    if smooth <= 0:
        raise LossError(f'smooth={smooth} must be positive: use a small value such as 1e-6.')
    if absent_classes not in ABSENT_CLASSES:
        raise LossError(f'absent_classes={absent_classes!r} is unknown: use one of {ABSENT_CLASSES}.')
