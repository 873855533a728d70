from mmseg_custom.models.backbones.dilated_resnet import DilatedResNet
from mmseg_custom.models.backbones.efficientnet_lite import EfficientNetLite

__all__ = ['DilatedResNet', 'EfficientNetLite']
