# A quarter of the one run, without folds.
_base_ = '../camvid_single.py'
train_cfg = dict(max_epochs=30)
param_scheduler = dict(end=120)
default_hooks = dict(fold_average=dict(stage_dir='work_dirs/strong_camvid/stage1'))
