from mmseg_custom.models.decode_heads.auxiliary_head import AuxiliaryHead
from mmseg_custom.models.decode_heads.deeplabv3plus_head import DeepLabV3PlusHead
from mmseg_custom.models.decode_heads.segmentation_head import SegmentationHead

__all__ = ['AuxiliaryHead', 'DeepLabV3PlusHead', 'SegmentationHead']
