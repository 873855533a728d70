# One run over all training images: the network of the reference, a cross-entropy with a gradient and Dice, small
# batches, Adam and one poly curve, standard augmentation.
_base_ = [
    '../_base_/models/deeplabv3plus_r34.py',
    '../_base_/datasets/camvid_240x320.py',
    '../_base_/augmentations.py',
    '../_base_/schedules/poly.py',
    '../_base_/averages.py',
    '../_base_/default_runtime.py',
]
model = dict(decode_head=dict(num_classes=11, loss_decode=dict(_delete_=True, type='CEDiceLoss', alpha=0.6)))
train_dataloader = dict(batch_size=4, dataset=dict(pipeline=_base_.load + _base_.standard + _base_.pack))
optim_wrapper = dict(optimizer=dict(lr=2e-3, weight_decay=1e-4))
train_cfg = dict(max_epochs=60)
default_hooks = dict(fold_average=dict(stage_dir='work_dirs/switches/base'))
