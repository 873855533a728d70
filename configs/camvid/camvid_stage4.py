_base_ = [
    '../_base_/models/deeplabv3plus_r34.py',
    '../_base_/datasets/camvid.py',
    '../_base_/augmentations.py',
    '../_base_/schedules/plateau.py',
    '../_base_/default_runtime.py',
]
num_folds = 4
load_from = 'work_dirs/camvid/stage3/winner.pth'
model = dict(decode_head=dict(num_classes=11, loss_decode=dict(_delete_=True, type='CEDiceLoss', alpha=0.6)))
train_dataloader = dict(batch_size=4, dataset=dict(pipeline=_base_.load + _base_.standard + _base_.pack))
optim_wrapper = dict(optimizer=dict(lr=5e-5, weight_decay=1e-3))
default_hooks = dict(history=dict(patience=6), fold_average=dict(stage_dir='work_dirs/camvid/stage4'))
