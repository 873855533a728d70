# As long as epochs 120 to 200 of the one run: the schedule goes on where the stage before left it, and runs out.
_base_ = '../cityscapes_single.py'
num_folds = 5
load_from = 'work_dirs/strong_cityscapes/stage2/winner.pth'
train_cfg = dict(max_epochs=100)
optim_wrapper = dict(optimizer=dict(lr=0.01 * (80 / 200) ** 0.9))
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=0.0, end=100, by_epoch=True, convert_to_iter_based=True)]
stage = dict(stage_dir='work_dirs/strong_cityscapes/stage3', candidates=_base_.candidates, keep_last=True)
default_hooks = dict(fold_average=stage)
