# Epochs 100 to 150 of 200: the schedule goes on where the stage before left it.
_base_ = '../cityscapes_single.py'
load_from = 'work_dirs/strong_cityscapes/stage1/winner.pth'
train_cfg = dict(max_epochs=50)
optim_wrapper = dict(optimizer=dict(lr=0.01 * (100 / 200) ** 0.9))
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=0.0, end=100, by_epoch=True, convert_to_iter_based=True)]
stage = dict(stage_dir='work_dirs/strong_cityscapes/stage2', candidates=_base_.candidates, keep_last=True)
default_hooks = dict(fold_average=stage)
