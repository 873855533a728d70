_base_ = [
    '../_base_/models/deeplabv3plus_r34.py',
    '../_base_/datasets/camvid.py',
    '../_base_/augmentations.py',
    '../_base_/schedules/plateau.py',
    '../_base_/default_runtime.py',
]
model = dict(decode_head=dict(num_classes=11))
train_dataloader = dict(batch_size=4, dataset=dict(pipeline=_base_.load + _base_.none + _base_.pack))
optim_wrapper = dict(optimizer=dict(lr=1e-3, weight_decay=1e-4))
train_cfg = dict(max_epochs=10)
default_hooks = dict(history=dict(patience=10), fold_average=dict(stage_dir='work_dirs/camvid/stage1'))
