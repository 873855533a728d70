_base_ = './stage8.py'
train_dataloader = val_dataloader = dict(dataset=dict(fold=5))
