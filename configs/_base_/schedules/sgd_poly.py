# SGD with poly decay as in MMSegmentation, iteration by iteration, under a linear warm-up over the first epoch.
# A stage that goes on with the schedule starts at `lr * (left / all) ** 0.9` and has `end=left`: a part of a poly
# curve is a poly curve. Factors multiply: the warm-up does not move the curve under it.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=5e-4),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, end=1, by_epoch=True, convert_to_iter_based=True),
    dict(type='PolyLR', power=0.9, eta_min=0.0, by_epoch=True, convert_to_iter_based=True),
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=120, val_interval=1)
