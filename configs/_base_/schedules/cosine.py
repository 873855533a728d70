optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=2e-4, weight_decay=5e-4),
    clip_grad=dict(max_norm=1.0),
)
param_scheduler = dict(type='CosineAnnealingLR', T_max=20, eta_min_ratio=0.05, by_epoch=True)
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=20, val_interval=1)
