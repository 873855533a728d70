# Scales 0.5 to 2 and crops of the files of full size, flip and colours, in place of the standard augmentation.
_base_ = '../../configs/strong/base.py'
train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
default_hooks = dict(fold_average=dict(stage_dir='work_dirs/switches/scale_crop'))
