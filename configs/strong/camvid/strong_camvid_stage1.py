# A quarter of the one run, without folds. The schedule would run out after 165 epochs, not 120: the stages of folds
# end while rates are high, since what averages take away is the noise of those.
_base_ = '../camvid_single.py'
train_cfg = dict(max_epochs=30)
param_scheduler = dict(end=165)
default_hooks = dict(fold_average=dict(stage_dir='work_dirs/strong_camvid/stage1'))
