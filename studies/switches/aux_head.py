# A second head on the third stage of the backbone, in training only.
_base_ = '../../configs/strong/base.py'
loss = dict(type='CEDiceLoss', alpha=0.6, loss_weight=0.4)
head = dict(type='AuxiliaryHead', in_channels=256, in_index=2, channels=64, num_classes=11, loss_decode=loss)
model = dict(auxiliary_head=head)
default_hooks = dict(fold_average=dict(stage_dir='work_dirs/switches/aux_head'))
