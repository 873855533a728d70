# Epochs 60 to 90 of 120: the schedule goes on where the stage before left it.
_base_ = '../camvid_single.py'
load_from = 'work_dirs/strong_camvid/stage1/winner.pth'
train_cfg = dict(max_epochs=30)
optim_wrapper = dict(optimizer=dict(lr=2e-3 * (60 / 120) ** 0.9))
param_scheduler = dict(end=60)
stage = dict(stage_dir='work_dirs/strong_camvid/stage2', candidates=_base_.candidates, keep_last=True)
default_hooks = dict(fold_average=stage)
