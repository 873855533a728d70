from mmseg_custom.models.heads.auxiliary_head import AuxiliaryHead
from mmseg_custom.models.heads.deeplabv3plus_head import DeepLabV3PlusHead
from mmseg_custom.models.heads.segmentation_head import SegmentationHead

__all__ = ['AuxiliaryHead', 'DeepLabV3PlusHead', 'SegmentationHead']
