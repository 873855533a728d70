# Batches of 8 in place of 4: half as many steps.
_base_ = '../../configs/strong/base.py'
train_dataloader = dict(batch_size=8)
default_hooks = dict(fold_average=dict(stage_dir='work_dirs/switches/batch_8'))
