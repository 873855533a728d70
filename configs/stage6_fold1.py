_base_ = './stage6.py'
train_dataloader = val_dataloader = dict(dataset=dict(fold=1))
