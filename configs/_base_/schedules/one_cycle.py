# PyTorch's OneCycleLR with anneal_strategy='linear', iteration by iteration: up to the stage's lr over 6 epochs, then
# down to almost nothing. MMEngine's OneCycleLR has its own peak, eta_max, and passes over the stage's lr.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=2e-4, weight_decay=5e-4),
    clip_grad=dict(max_norm=1.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1 / 25, end=6, by_epoch=True, convert_to_iter_based=True),
    dict(
        type='LinearLR',
        start_factor=1.0,
        end_factor=1 / 25e4,
        begin=6,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=20, val_interval=1)
