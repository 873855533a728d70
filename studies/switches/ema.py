# The moving average of the weights, over some 200 iterations, is what is scored and kept.
_base_ = '../../configs/strong/base.py'
custom_hooks = [dict(type='EMAHook', momentum=0.005)]
default_hooks = dict(fold_average=dict(stage_dir='work_dirs/switches/ema'))
