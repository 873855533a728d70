# Scored against the labels at their own size, to which the logits are brought.
_base_ = '../../configs/strong/base.py'
val_dataloader = test_dataloader = dict(dataset=dict(pipeline=_base_.original_size_pipeline))
default_hooks = dict(fold_average=dict(stage_dir='work_dirs/switches/original_size'))
