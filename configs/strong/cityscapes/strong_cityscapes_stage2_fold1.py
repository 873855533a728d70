_base_ = './strong_cityscapes_stage2.py'
train_dataloader = val_dataloader = dict(dataset=dict(fold=1))
