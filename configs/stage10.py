_base_ = './stage6.py'
load_from = 'work_dirs/cityscapes/stage9/winner.pth'
default_hooks = dict(fold_average=dict(stage_dir='work_dirs/cityscapes/stage10'))
