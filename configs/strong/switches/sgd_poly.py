# SGD without clipping, and poly decay by iteration.
_base_ = './base.py'
sgd = dict(_delete_=True, type='SGD', lr=0.01, momentum=0.9, weight_decay=5e-4)
optim_wrapper = dict(optimizer=sgd, clip_grad=None)
param_scheduler = dict(_delete_=True, type='PolyLR', power=0.9, by_epoch=True, convert_to_iter_based=True)
default_hooks = dict(fold_average=dict(stage_dir='work_dirs/switches/sgd_poly'))
