from mmseg_custom.models.backbones.dilated_resnet import DilatedResNet

__all__ = ['DilatedResNet']
