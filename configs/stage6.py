_base_ = './stage5.py'
load_from = 'work_dirs/cityscapes/stage5/winner.pth'
optim_wrapper = dict(optimizer=dict(lr=3e-5))
default_hooks = dict(fold_average=dict(stage_dir='work_dirs/cityscapes/stage6'))
