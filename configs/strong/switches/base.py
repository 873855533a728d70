# One run without folds: the network of the reference, cross-entropy and Dice, Adam and cosine, standard augmentation.
_base_ = [
    '../../_base_/models/deeplabv3plus_r34.py',
    '../../_base_/datasets/camvid_240x320.py',
    '../../_base_/augmentations.py',
    '../../_base_/schedules/cosine.py',
    '../../_base_/default_runtime.py',
]
model = dict(decode_head=dict(num_classes=11, loss_decode=dict(_delete_=True, type='CEDiceLoss', alpha=0.6)))
train_dataloader = dict(batch_size=8, dataset=dict(pipeline=_base_.load + _base_.standard + _base_.pack))
optim_wrapper = dict(optimizer=dict(lr=1e-3, weight_decay=1e-4))
param_scheduler = dict(_delete_=True, type='CosineAnnealingLR', eta_min_ratio=0.05, by_epoch=True)
train_cfg = dict(max_epochs=60)
default_hooks = dict(fold_average=dict(stage_dir='work_dirs/switches/base'))
