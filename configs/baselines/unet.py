# As no_folds.py, with UNet.
_base_ = [
    '../_base_/models/unet_s5_d16.py',
    '../_base_/datasets/cityscapes.py',
    '../_base_/augmentations.py',
    '../_base_/schedules/cosine.py',
    '../_base_/default_runtime.py',
]
train_dataloader = dict(batch_size=4, dataset=dict(pipeline=_base_.load + _base_.none + _base_.pack))
optim_wrapper = dict(optimizer=dict(lr=1e-3, weight_decay=1e-4))
param_scheduler = dict(T_max=190)
train_cfg = dict(max_epochs=190)
default_hooks = dict(history=dict(patience=None), fold_average=dict(stage_dir='work_dirs/baselines/unet'))
