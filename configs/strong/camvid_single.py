# One run over all training images, as long as a worker of `camvid/`: `base.py` with the
# switches that were worth most.
_base_ = './base.py'
counts = 'data/folds/camvid_4_class_statistics.json'
model = dict(backbone=dict(deep_stem=True), decode_head=dict(loss_decode=dict(alpha=0.2)))
train_dataloader = dict(sampler=dict(type='ClassBalancedSampler', counts=counts))
train_cfg = dict(max_epochs=120)
default_hooks = dict(fold_average=dict(stage_dir='work_dirs/strong_camvid/single'))
