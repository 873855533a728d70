# As in MMSegmentation: by iteration, to 0 at the last one.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=2e-4, weight_decay=5e-4),
    clip_grad=dict(max_norm=1.0),
)
param_scheduler = dict(type='PolyLR', power=0.9, eta_min=0.0, by_epoch=True, convert_to_iter_based=True)
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=20, val_interval=1)
