# The learning rate rises over the first epoch. Factors multiply: the curve under it is not moved.
_base_ = '../../configs/strong/base.py'
warm_up = dict(type='LinearLR', start_factor=0.01, end=1, by_epoch=True, convert_to_iter_based=True)
param_scheduler = [warm_up, _base_.param_scheduler]
default_hooks = dict(fold_average=dict(stage_dir='work_dirs/switches/warm_up'))
