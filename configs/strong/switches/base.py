# The one run of the strong recipe, at half its length.
_base_ = '../camvid_single.py'
train_cfg = dict(max_epochs=60)
default_hooks = dict(fold_average=dict(stage_dir='work_dirs/switches/base'))
