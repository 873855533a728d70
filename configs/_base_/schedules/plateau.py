optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=1e-3, weight_decay=1e-4),
    clip_grad=dict(max_norm=1.0),
)
param_scheduler = dict(
    type='ReduceOnPlateauLR', monitor='val_loss', rule='less', factor=0.5, patience=3, by_epoch=True
)
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=20, val_interval=1)
