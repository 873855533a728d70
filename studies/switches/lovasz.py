# Lovasz-Softmax beside cross-entropy and Dice.
_base_ = '../../configs/strong/base.py'
losses = [dict(type='CEDiceLoss', alpha=0.6), dict(type='LovaszSoftmaxLoss', loss_weight=0.5)]
model = dict(decode_head=dict(loss_decode=losses))
default_hooks = dict(fold_average=dict(stage_dir='work_dirs/switches/lovasz'))
