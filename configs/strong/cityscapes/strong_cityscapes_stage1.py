# A fifth of the one run, without folds.
_base_ = '../cityscapes_single.py'
train_cfg = dict(max_epochs=40)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, end=1, by_epoch=True, convert_to_iter_based=True),
    dict(type='PolyLR', power=0.9, eta_min=0.0, end=200, by_epoch=True, convert_to_iter_based=True),
]
default_hooks = dict(fold_average=dict(stage_dir='work_dirs/strong_cityscapes/stage1'))
