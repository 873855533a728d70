# Starts from torchvision's ResNet-34 of ImageNet: put its state dict there, see docs/lab.md.
_base_ = '../../configs/strong/base.py'
start = dict(type='SafePretrained', checkpoint='data/resnet34.pth')
model = dict(backbone=dict(init_cfg=start))
default_hooks = dict(fold_average=dict(stage_dir='work_dirs/switches/pretrained'))
