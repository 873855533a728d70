# A fold's epoch has 4/5 of the images: 100 of them take as long as epochs 40 to 120 of the one run. The schedule goes
# on where the stage before left it.
_base_ = '../cityscapes_single.py'
num_folds = 5
load_from = 'work_dirs/strong_cityscapes/stage1/winner.pth'
train_cfg = dict(max_epochs=100)
optim_wrapper = dict(optimizer=dict(lr=0.01 * (160 / 200) ** 0.9))
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=0.0, end=200, by_epoch=True, convert_to_iter_based=True)]
stage = dict(stage_dir='work_dirs/strong_cityscapes/stage2', candidates=_base_.candidates, keep_last=True)
default_hooks = dict(fold_average=stage)
