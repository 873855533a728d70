# Dice with four times the weight of cross-entropy, in place of two thirds of it.
_base_ = '../../configs/strong/base.py'
model = dict(decode_head=dict(loss_decode=dict(alpha=0.2)))
default_hooks = dict(fold_average=dict(stage_dir='work_dirs/switches/dice'))
