# The published recipe in small: 100 rendered street scenes, a narrow network.
_base_ = [
    './_base_/models/deeplabv3plus_r10_narrow.py',
    './_base_/datasets/streets.py',
    './_base_/augmentations.py',
    './_base_/default_runtime.py',
]
num_folds = 5
train_dataloader = dict(batch_size=4, dataset=dict(pipeline=_base_.load + _base_.none + _base_.pack))
env_cfg = dict(num_threads=1)

stage1 = dict(
    _base_='./_base_/schedules/plateau.py',
    num_folds=None,
    optim_wrapper=dict(optimizer=dict(lr=2e-3, weight_decay=1e-4)),
    train_cfg=dict(max_epochs=2),
    default_hooks=dict(history=dict(patience=10)),
    env_cfg=dict(num_threads=2),
)
stage2 = dict(
    _base_='./_base_/schedules/cosine.py',
    model=dict(decode_head=dict(loss_decode=dict(_delete_=True, type='CEDiceLoss', alpha=0.6))),
    optim_wrapper=dict(optimizer=dict(lr=2e-3, weight_decay=1e-4)),
    param_scheduler=dict(T_max=4),
    train_cfg=dict(max_epochs=4),
    default_hooks=dict(history=dict(patience=8)),
)
stage3 = dict(
    _base_='./_base_/schedules/warm_restarts.py',
    model=dict(decode_head=dict(loss_decode=dict(_delete_=True, type='CEDiceLoss', alpha=0.6))),
    optim_wrapper=dict(optimizer=dict(lr=1e-3, weight_decay=1e-4)),
    param_scheduler=dict(periods=[1, 2, 4]),
    train_cfg=dict(max_epochs=4),
    default_hooks=dict(history=dict(patience=6)),
)
stage4 = dict(
    _base_='./_base_/schedules/plateau.py',
    model=dict(decode_head=dict(loss_decode=dict(_delete_=True, type='CEDiceLoss', alpha=0.6))),
    train_dataloader=dict(dataset=dict(pipeline=_base_.load + _base_.standard + _base_.pack)),
    optim_wrapper=dict(optimizer=dict(lr=1e-3, weight_decay=1e-4)),
    train_cfg=dict(max_epochs=4),
    default_hooks=dict(history=dict(patience=6)),
)
stage5 = dict(
    _base_='./_base_/schedules/cosine.py',
    model=dict(decode_head=dict(loss_decode=dict(_delete_=True, type='CEDiceLoss', alpha=0.5))),
    train_dataloader=dict(dataset=dict(pipeline=_base_.load + _base_.advanced + _base_.pack)),
    optim_wrapper=dict(optimizer=dict(lr=1e-3, weight_decay=1e-4)),
    param_scheduler=dict(T_max=4),
    train_cfg=dict(max_epochs=4),
    default_hooks=dict(history=dict(patience=5)),
)
