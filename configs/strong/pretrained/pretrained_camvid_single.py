# One run over all training images from ImageNet, with scales of 0.75 to 1.5.
_base_ = [
    '../../_base_/models/deeplabv3plus_efficientnet_lite0.py',
    '../../_base_/datasets/camvid_240x320.py',
    '../../_base_/augmentations.py',
    '../../_base_/schedules/adamw_poly.py',
    '../../_base_/averages.py',
    '../../_base_/default_runtime.py',
]
scales = [dict(_base_.scale_crop[0], ratio_range=(0.75, 1.5))]
pipeline = _base_.read_image + _base_.read_label + scales + _base_.scale_crop[1:] + _base_.pack
model = dict(decode_head=dict(num_classes=11))
train_dataloader = dict(batch_size=8, dataset=dict(pipeline=pipeline))
default_hooks = dict(fold_average=dict(stage_dir='work_dirs/pretrained_camvid/single'))
