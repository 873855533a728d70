_base_ = '../camvid/camvid_stage1.py'
folds = dict(file='data/folds/camvid_blocks_{num_folds}.json', group_by='block', block_size=20)
train_dataloader = val_dataloader = test_dataloader = dict(dataset=dict(folds=folds))
default_hooks = dict(fold_average=dict(stage_dir='work_dirs/camvid_blocks/stage1'))
