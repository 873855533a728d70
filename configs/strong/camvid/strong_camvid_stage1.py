# Epochs 0 to 60 of 120, without folds.
_base_ = '../camvid_single.py'
train_cfg = dict(max_epochs=60)
param_scheduler = dict(end=120)
default_hooks = dict(fold_average=dict(stage_dir='work_dirs/strong_camvid/stage1'))
