# As camvid.py, with folds of 20 consecutive frames.
_base_ = './camvid.py'
folds = dict(file='data/folds/camvid_blocks_{num_folds}.json', group_by='block', block_size=20)
train_dataloader = val_dataloader = test_dataloader = dict(dataset=dict(folds=folds))
