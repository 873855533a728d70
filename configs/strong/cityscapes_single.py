# One run over all training images, as long as a worker of `cityscapes/`, with the same switches.
_base_ = [
    '../_base_/models/deeplabv3plus_r34.py',
    '../_base_/datasets/cityscapes_scale_crop.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/averages.py',
    '../_base_/default_runtime.py',
]
model = dict(decode_head=dict(loss_decode=dict(_delete_=True, type='CEDiceLoss', alpha=0.6)))
train_dataloader = dict(batch_size=8, dataset=dict(pipeline=_base_.train_pipeline))
train_cfg = dict(max_epochs=200)
default_hooks = dict(fold_average=dict(stage_dir='work_dirs/strong_cityscapes/single'))
