# Cross-entropy of the hard pixels (probability below 0.7, but a fifth of an image at least), Dice of all.
_base_ = '../../configs/strong/base.py'
ce = dict(type='LabelSmoothCrossEntropyLoss', loss_weight=0.6)
dice = dict(type='SoftDiceLoss', loss_weight=0.4, sampled=False)
sampler = dict(type='OHEMPixelSampler', thresh=0.7, min_kept=15000)
model = dict(decode_head=dict(sampler=sampler, loss_decode=[ce, dice]))
default_hooks = dict(fold_average=dict(stage_dir='work_dirs/switches/ohem'))
