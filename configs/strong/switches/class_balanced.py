# Images with rare classes more often; needs `python tools/prepare_data.py CONFIG --class-weights` once.
_base_ = './base.py'
counts = 'data/folds/camvid_4_class_statistics.json'
train_dataloader = dict(sampler=dict(type='ClassBalancedSampler', counts=counts))
default_hooks = dict(fold_average=dict(stage_dir='work_dirs/switches/class_balanced'))
