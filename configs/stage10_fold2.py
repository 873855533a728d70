_base_ = './stage10.py'
train_dataloader = val_dataloader = dict(dataset=dict(fold=2))
