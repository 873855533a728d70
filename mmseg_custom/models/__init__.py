"""What is learned: backbone, decode head and losses, registered with the host on import."""

from mmseg_custom.models.backbones import DilatedResNet
from mmseg_custom.models.decode_heads import DeepLabV3PlusHead
from mmseg_custom.models.losses import CEDiceLoss, LabelSmoothCrossEntropyLoss, SoftDiceLoss
from mmseg_custom.models.published import convert_checkpoint, mmseg_to_published, published_to_mmseg

__all__ = [
    'CEDiceLoss',
    'DeepLabV3PlusHead',
    'DilatedResNet',
    'LabelSmoothCrossEntropyLoss',
    'SoftDiceLoss',
    'convert_checkpoint',
    'mmseg_to_published',
    'published_to_mmseg',
]
