# All switches of training together, from scratch.
_base_ = './sgd.py'
balanced = dict(type='ClassBalancedSampler', counts='data/folds/camvid_4_class_statistics.json')
train_dataloader = dict(sampler=balanced, dataset=dict(pipeline=_base_.train_pipeline))
warm_up = dict(type='LinearLR', start_factor=0.01, end=1, by_epoch=True, convert_to_iter_based=True)
param_scheduler = [warm_up, _base_.param_scheduler]
ce = dict(type='LabelSmoothCrossEntropyLoss', loss_weight=0.6)
others = [dict(type='SoftDiceLoss', loss_weight=0.4, sampled=False), dict(type='LovaszSoftmaxLoss', loss_weight=0.5)]
hard = dict(sampler=dict(type='OHEMPixelSampler', thresh=0.7, min_kept=15000), loss_decode=[ce, *others])
loss = dict(type='CEDiceLoss', alpha=0.6, loss_weight=0.4)
head = dict(type='AuxiliaryHead', in_channels=256, in_index=2, channels=64, num_classes=11, loss_decode=loss)
model = dict(backbone=dict(deep_stem=True), auxiliary_head=head, decode_head=hard)
custom_hooks = [dict(type='EMAHook', momentum=0.005)]
default_hooks = dict(fold_average=dict(stage_dir='work_dirs/switches/together'))
