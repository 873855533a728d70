# Three 3x3 convolutions in place of the 7x7 one.
_base_ = '../../configs/strong/base.py'
model = dict(backbone=dict(deep_stem=True))
default_hooks = dict(fold_average=dict(stage_dir='work_dirs/switches/deep_stem'))
