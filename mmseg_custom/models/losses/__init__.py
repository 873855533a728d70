from mmseg_custom.models.losses.ce_dice_loss import CEDiceLoss
from mmseg_custom.models.losses.label_smooth_cross_entropy_loss import LabelSmoothCrossEntropyLoss
from mmseg_custom.models.losses.lovasz_softmax_loss import LovaszSoftmaxLoss
from mmseg_custom.models.losses.segmentation_loss import SegmentationLoss
from mmseg_custom.models.losses.soft_dice_loss import SoftDiceLoss

__all__ = [
    'CEDiceLoss',
    'LabelSmoothCrossEntropyLoss',
    'LovaszSoftmaxLoss',
    'SegmentationLoss',
    'SoftDiceLoss',
]
