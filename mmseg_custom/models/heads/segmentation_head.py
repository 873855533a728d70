"""How the decode heads of the project compute their losses."""

from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.utils import resize
from mmseg.utils import SampleList
from torch import Tensor, nn

from mmseg_custom.models.losses import SegmentationLoss
from mmseg_custom.models.losses.pixel_sums import at_least_float32


class SegmentationHead(BaseDecodeHead):
    """MMSegmentation's decode head without its training accuracy, which costs more than the loss.

    The log holds each loss and, for a :class:`SegmentationLoss`, its parts under their own names (``ce``,
    ``dice``). As a mixin before a head of MMSegmentation it changes how the losses are computed and nothing else.
    """

    def loss_by_feat(self, seg_logits: Tensor, batch_data_samples: SampleList) -> dict[str, Tensor]:
        """Compute the losses of a batch.

        Args:
            seg_logits: Logits (N, C, h, w) as :meth:`forward` returns them.
            batch_data_samples: N samples with ``gt_sem_seg`` of (1, H, W).

        Returns:
            Every loss by its ``loss_name``, and detached the parts of which it is made.
        """
        return self.upsample_and_loss(seg_logits, self._stack_batch_gt(batch_data_samples))

    def upsample_and_loss(self, seg_logits: Tensor, seg_label: Tensor) -> dict[str, Tensor]:
        """Losses of logits (N, C, h, w) brought to the size of labels (N, 1, H, W): one step to override.

        A :class:`SegmentationLoss` upsamples by itself, without logits of full size; other losses and a pixel sampler
        need them.
        """
        modules = self.loss_decode if isinstance(self.loss_decode, nn.ModuleList) else [self.loss_decode]
        weight = None
        if self.sampler is not None or not all(isinstance(module, SegmentationLoss) for module in modules):
            seg_logits = self.resize_like(at_least_float32(seg_logits), seg_label)
            weight = None if self.sampler is None else self.sampler.sample(seg_logits, seg_label)
        losses: dict[str, Tensor] = {}
        for module in modules:
            for name, value in self._loss_terms(module, seg_logits, seg_label.squeeze(1), weight).items():
                losses[name] = losses[name] + value if name in losses else value
        return losses

    def _loss_terms(
        self, module: nn.Module, seg_logits: Tensor, seg_label: Tensor, weight: Tensor | None
    ) -> dict[str, Tensor]:
        arguments = {'weight': weight, 'ignore_index': self.ignore_index}
        if not isinstance(module, SegmentationLoss):
            return {module.loss_name: module(seg_logits, seg_label, **arguments)}
        corners = bool(self.align_corners)
        loss, parts = module.loss_and_parts(seg_logits, seg_label, **arguments, align_corners=corners)
        return {module.loss_name: loss, **parts}

    def resize_like(self, x: Tensor, like: Tensor) -> Tensor:
        """Bring feature maps to the height and width of others, bilinearly."""
        return resize(x, size=like.shape[2:], mode='bilinear', align_corners=self.align_corners)
