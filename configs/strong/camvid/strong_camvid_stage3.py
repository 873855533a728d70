# As long as epochs 75 to 120 of the one run: the schedule goes on where the stage before left it, down to 0.31 of its
# beginning.
_base_ = '../camvid_single.py'
num_folds = 4
load_from = 'work_dirs/strong_camvid/stage2/winner.pth'
train_cfg = dict(max_epochs=60)
optim_wrapper = dict(optimizer=dict(lr=2e-3 * (90 / 165) ** 0.9))
param_scheduler = dict(end=120)
stage = dict(stage_dir='work_dirs/strong_camvid/stage3', candidates=_base_.candidates, keep_last=True)
default_hooks = dict(fold_average=stage)
