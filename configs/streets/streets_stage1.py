_base_ = [
    '../_base_/models/deeplabv3plus_r10_narrow.py',
    '../_base_/datasets/streets.py',
    '../_base_/augmentations.py',
    '../_base_/schedules/plateau.py',
    '../_base_/default_runtime.py',
]
train_dataloader = dict(batch_size=4, dataset=dict(pipeline=_base_.load + _base_.none + _base_.pack))
optim_wrapper = dict(optimizer=dict(lr=2e-3, weight_decay=1e-4))
train_cfg = dict(max_epochs=2)
default_hooks = dict(history=dict(patience=10), fold_average=dict(stage_dir='work_dirs/streets/stage1'))
env_cfg = dict(num_threads=2)
