_base_ = './strong_camvid_stage3.py'
train_dataloader = val_dataloader = dict(dataset=dict(fold=1))
