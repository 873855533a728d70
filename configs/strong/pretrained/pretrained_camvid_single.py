# One run over all training images from ImageNet; the encoder learns at half of the rate.
_base_ = [
    '../../_base_/models/deeplabv3plus_efficientnet_lite0.py',
    '../../_base_/datasets/camvid_240x320.py',
    '../../_base_/augmentations.py',
    '../../_base_/schedules/poly.py',
    '../../_base_/averages.py',
    '../../_base_/default_runtime.py',
]
scale_crop = [
    dict(type='RandomResize', scale=(320, 240), ratio_range=(0.75, 1.5), keep_ratio=True),
    dict(type='RandomCrop', crop_size=(240, 320), cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PhotoMetricDistortion'),
    dict(type='Pad', size=(320, 240), pad_val=dict(img=(104, 116, 124), seg=255)),  # the mean colour, ignored
]
model = dict(decode_head=dict(num_classes=11))
train_dataloader = dict(
    batch_size=8, dataset=dict(pipeline=_base_.read_image + _base_.read_label + scale_crop + _base_.pack)
)
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=1e-3, weight_decay=1e-2),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.5))),
)
train_cfg = dict(max_epochs=24)
default_hooks = dict(fold_average=dict(stage_dir='work_dirs/pretrained_camvid/single'))
