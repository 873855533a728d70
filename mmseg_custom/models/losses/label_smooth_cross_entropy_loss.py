"""Cross-entropy against smoothed labels."""

from typing import Any

from mmseg.registry import MODELS
from torch import Tensor

from mmseg_custom.models.losses.calls import LossError
from mmseg_custom.models.losses.functional import PixelSums, safe_ratio
from mmseg_custom.models.losses.segmentation_loss import SegmentationLoss


@MODELS.register_module()
class LabelSmoothCrossEntropyLoss(SegmentationLoss):
    """Cross-entropy against ``one_hot * (1 - s) + s / C``, the mean over the pixels that count.

    `Rethinking the Inception Architecture <https://arxiv.org/abs/1512.00567>`_, section 7.

    Args:
        label_smoothing: s, from 0 (plain cross-entropy) to 1. Defaults to 0.1.
        loss_name: Key in the log. Defaults to ``'loss_ce'``.
        **kwargs: ``class_weight``, ``ignore_index``, ``loss_weight``, ``implementation``, ``sync`` and
            ``sampled`` of :class:`SegmentationLoss`.

    Raises:
        LossError: If ``label_smoothing`` lies outside [0, 1].
    """

    def __init__(self, label_smoothing: float = 0.1, loss_name: str = 'loss_ce', **kwargs: Any) -> None:
        super().__init__(loss_name, **kwargs)
        if not 0 <= label_smoothing <= 1:
            raise LossError(f'label_smoothing={label_smoothing} must lie between 0 and 1.')
        self.label_smoothing = label_smoothing

    def terms(self, sums: PixelSums, class_weight: Tensor | None) -> tuple[Tensor, dict[str, Tensor]]:
        """The cross-entropy; it has no parts."""
        return safe_ratio(*sums.cross_entropy), {}
