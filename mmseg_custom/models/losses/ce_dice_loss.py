"""Cross-entropy and Dice in one loss."""

from typing import Any

from mmseg.registry import MODELS
from torch import Tensor

from mmseg_custom.models.losses.calls import LossError
from mmseg_custom.models.losses.functional import PixelSums
from mmseg_custom.models.losses.label_smooth_cross_entropy_loss import LabelSmoothCrossEntropyLoss
from mmseg_custom.models.losses.segmentation_loss import SegmentationLoss
from mmseg_custom.models.losses.soft_dice_loss import SoftDiceLoss


@MODELS.register_module()
class CEDiceLoss(SegmentationLoss):
    """``alpha * cross-entropy + (1 - alpha) * Dice``, both in the gradient and, by name, in the log.

    Args:
        alpha: Share of the cross-entropy, from 0 to 1. Defaults to 0.6.
        label_smoothing: As in :class:`LabelSmoothCrossEntropyLoss`. Defaults to 0.1.
        smooth: As in :class:`SoftDiceLoss`. Defaults to 1.0.
        absent_classes: As in :class:`SoftDiceLoss`. Defaults to ``'skip'``.
        loss_name: Key in the log. Defaults to ``'loss_ce_dice'``.
        **kwargs: ``class_weight`` (of both terms), ``ignore_index``, ``loss_weight``, ``implementation``, ``sync``
            and ``sampled`` of :class:`SegmentationLoss`.

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
        if not 0 <= alpha <= 1:
            raise LossError(f'alpha={alpha} must lie between 0 and 1.')
        self.alpha = alpha
        self.label_smoothing = label_smoothing
        self.cross_entropy = LabelSmoothCrossEntropyLoss(label_smoothing)
        self.dice = SoftDiceLoss(smooth, absent_classes)

    def terms(self, sums: PixelSums, class_weight: Tensor | None) -> tuple[Tensor, dict[str, Tensor]]:
        """The weighted sum; its parts are ``ce`` and ``dice``, each as it is before weighting."""
        cross_entropy, _ = self.cross_entropy.terms(sums, class_weight)
        dice, _ = self.dice.terms(sums, class_weight)
        return self.alpha * cross_entropy + (1 - self.alpha) * dice, {'ce': cross_entropy, 'dice': dice}
