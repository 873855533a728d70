# SGD with momentum, without clipping; its rate falls as the other's.
_base_ = '../../configs/strong/base.py'
sgd = dict(_delete_=True, type='SGD', lr=0.01, momentum=0.9, weight_decay=5e-4)
optim_wrapper = dict(optimizer=sgd, clip_grad=None)
default_hooks = dict(fold_average=dict(stage_dir='work_dirs/switches/sgd'))
