"""What is learned: backbone, decode head and losses, registered with MMSegmentation on import."""

from mmseg_custom.models.backbones import DilatedResNet, EfficientNetLite
from mmseg_custom.models.heads.auxiliary_head import AuxiliaryHead
from mmseg_custom.models.heads.deeplabv3plus_head import DeepLabV3PlusHead
from mmseg_custom.models.losses import CEDiceLoss, LabelSmoothCrossEntropyLoss, LovaszSoftmaxLoss, SoftDiceLoss
from mmseg_custom.models.published import convert_checkpoint, mmseg_to_published, published_to_mmseg

__all__ = [
    'AuxiliaryHead',
    'CEDiceLoss',
    'DeepLabV3PlusHead',
    'DilatedResNet',
    'EfficientNetLite',
    'LabelSmoothCrossEntropyLoss',
    'LovaszSoftmaxLoss',
    'SoftDiceLoss',
    'convert_checkpoint',
    'mmseg_to_published',
    'published_to_mmseg',
]
