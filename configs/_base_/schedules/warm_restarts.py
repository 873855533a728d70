optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=1e-4, weight_decay=5e-4),
    clip_grad=dict(max_norm=1.0),
)
param_scheduler = dict(
    type='CosineRestartLR', periods=[5, 10, 20], restart_weights=[1, 1, 1], eta_min=1e-6, by_epoch=True
)
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=20, val_interval=1)
