_base_ = [
    './_base_/models/deeplabv3plus_r34.py',
    './_base_/datasets/cityscapes.py',
    './_base_/augmentations.py',
    './_base_/schedules/cosine.py',
    './_base_/default_runtime.py',
]
num_folds = 5
load_from = 'work_dirs/cityscapes/stage4/winner.pth'
model = dict(decode_head=dict(loss_decode=dict(_delete_=True, type='CEDiceLoss', alpha=0.5)))
train_dataloader = dict(batch_size=8, dataset=dict(pipeline=_base_.load + _base_.advanced + _base_.pack))
optim_wrapper = dict(optimizer=dict(lr=5e-5, weight_decay=1e-3))
default_hooks = dict(history=dict(patience=5), fold_average=dict(stage_dir='work_dirs/cityscapes/stage5'))
