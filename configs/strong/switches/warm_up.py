# The learning rate rises over the first epoch; then cosine.
_base_ = './base.py'
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, end=1, by_epoch=True, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', eta_min_ratio=0.05, begin=1, by_epoch=True),
]
default_hooks = dict(fold_average=dict(stage_dir='work_dirs/switches/warm_up'))
