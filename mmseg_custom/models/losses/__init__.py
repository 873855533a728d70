from mmseg_custom.models.losses.ce_dice_loss import (
    CEDiceLoss,
    LabelSmoothCrossEntropyLoss,
    SegmentationLoss,
    SoftDiceLoss,
)
from mmseg_custom.models.losses.lovasz_softmax_loss import LovaszSoftmaxLoss

__all__ = [
    'CEDiceLoss',
    'LabelSmoothCrossEntropyLoss',
    'LovaszSoftmaxLoss',
    'SegmentationLoss',
    'SoftDiceLoss',
]
