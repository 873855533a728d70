_base_ = './stage7.py'
train_dataloader = val_dataloader = dict(dataset=dict(fold=2))
