# From pretrained weights: by iteration to 0 at the last one, the encoder at half of the rate.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-2),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.5))),
    clip_grad=dict(max_norm=1.0),
)
param_scheduler = dict(type='PolyLR', power=0.9, eta_min=0.0, by_epoch=True, convert_to_iter_based=True)
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=24, val_interval=1)
