_base_ = [
    '../_base_/models/deeplabv3plus_r10_narrow.py',
    '../_base_/datasets/streets.py',
    '../_base_/augmentations.py',
    '../_base_/schedules/cosine.py',
    '../_base_/default_runtime.py',
]
num_folds = 5
load_from = 'work_dirs/streets/stage1/winner.pth'
model = dict(decode_head=dict(loss_decode=dict(_delete_=True, type='CEDiceLoss', alpha=0.6)))
train_dataloader = dict(batch_size=4, dataset=dict(pipeline=_base_.load + _base_.none + _base_.pack))
optim_wrapper = dict(optimizer=dict(lr=2e-3, weight_decay=1e-4))
param_scheduler, train_cfg = dict(T_max=4), dict(max_epochs=4)
default_hooks = dict(history=dict(patience=8), fold_average=dict(stage_dir='work_dirs/streets/stage2'))
env_cfg = dict(num_threads=1)
