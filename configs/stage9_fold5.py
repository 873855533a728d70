_base_ = './stage9.py'
train_dataloader = val_dataloader = dict(dataset=dict(fold=5))
