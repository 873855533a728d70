"""Soft Dice loss over the whole batch."""

from typing import Any

from mmseg.registry import MODELS
from torch import Tensor

from mmseg_custom.models.losses.calls import LossError
from mmseg_custom.models.losses.functional import PixelSums, dice_loss
from mmseg_custom.models.losses.segmentation_loss import SegmentationLoss

ABSENT_CLASSES = ('skip', 'zero')


@MODELS.register_module()
class SoftDiceLoss(SegmentationLoss):
    """One minus the mean over classes of the Dice coefficient of softmax and label over the whole batch.

    `V-Net <https://arxiv.org/abs/1606.04797>`_, with the plain sums in place of the squared ones.

    Args:
        smooth: Added above and below the fraction; positive. Defaults to 1.0.
        absent_classes: ``'skip'`` takes the mean over the classes of the batch; ``'zero'`` over all, the Dice
            of an absent class being 0, which is an offset and a smaller gradient. Defaults to ``'skip'``.
        loss_name: Key in the log. Defaults to ``'loss_dice'``.
        **kwargs: ``class_weight`` (of a weighted mean over classes), ``ignore_index``, ``loss_weight``,
            ``implementation``, ``sync`` and ``sampled`` of :class:`SegmentationLoss`.

    Raises:
        LossError: If ``smooth`` is not positive or ``absent_classes`` is unknown.
    """

    def __init__(
        self, smooth: float = 1.0, absent_classes: str = 'skip', loss_name: str = 'loss_dice', **kwargs: Any
    ) -> None:
        super().__init__(loss_name, **kwargs)
        if smooth <= 0:
            raise LossError(f'smooth={smooth} must be positive: use a small value such as 1e-6.')
        if absent_classes not in ABSENT_CLASSES:
            raise LossError(f'absent_classes={absent_classes!r} is unknown: use one of {ABSENT_CLASSES}.')
        self.smooth = smooth
        self.absent_classes = absent_classes

    def terms(self, sums: PixelSums, class_weight: Tensor | None) -> tuple[Tensor, dict[str, Tensor]]:
        """The Dice loss; it has no parts."""
        skip = self.absent_classes == 'skip'
        return dice_loss(sums.dice, smooth=self.smooth, class_weight=class_weight, skip_absent=skip), {}
