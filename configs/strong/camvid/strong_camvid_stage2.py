# A fold's epoch has 3/4 of the images: 60 of them take as long as epochs 30 to 75 of the one run. The schedule goes
# on where the stage before left it.
_base_ = '../camvid_single.py'
num_folds = 4
load_from = 'work_dirs/strong_camvid/stage1/winner.pth'
train_cfg = dict(max_epochs=60)
optim_wrapper = dict(optimizer=dict(lr=2e-3 * (135 / 165) ** 0.9))
param_scheduler = dict(end=180)
stage = dict(stage_dir='work_dirs/strong_camvid/stage2', candidates=_base_.candidates, keep_last=True)
default_hooks = dict(fold_average=stage)
