# Images with rare classes more often; `python tools/prepare_data.py CONFIG` counts them when it makes the folds.
_base_ = '../../configs/strong/base.py'
counts = 'data/folds/camvid_4_class_statistics.json'
train_dataloader = dict(sampler=dict(type='ClassBalancedSampler', counts=counts))
default_hooks = dict(fold_average=dict(stage_dir='work_dirs/switches/class_balanced'))
