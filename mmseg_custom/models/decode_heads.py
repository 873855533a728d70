"""What is asked of the decode heads of any segmentor."""

from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import nn

from mmseg_custom.models.heads.segmentation_head import SegmentationHead

ONE_MAP = (BaseDecodeHead.loss_by_feat, SegmentationHead.loss_by_feat)


def last_head(model: nn.Module) -> nn.Module:
    """The decode head of a segmentor, of a cascade the last one."""
    return model.decode_head[-1] if isinstance(model.decode_head, nn.ModuleList) else model.decode_head


def takes_one_map(head: type) -> bool:
    """Whether the loss of a class of heads takes a single map of logits, as that of MMSegmentation's base class."""
    return getattr(head, 'loss_by_feat', None) in ONE_MAP
