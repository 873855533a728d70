# The published recipe on CamVid, with folds at random.
_base_ = [
    './_base_/models/deeplabv3plus_r34.py',
    './_base_/datasets/camvid.py',
    './_base_/augmentations.py',
    './_base_/default_runtime.py',
]
num_folds = 4
model = dict(decode_head=dict(num_classes=11))
train_dataloader = dict(batch_size=8, dataset=dict(pipeline=_base_.load + _base_.none + _base_.pack))

stage1 = dict(
    _base_='./_base_/schedules/plateau.py',
    num_folds=None,
    train_dataloader=dict(batch_size=4),
    optim_wrapper=dict(optimizer=dict(lr=1e-3, weight_decay=1e-4)),
    train_cfg=dict(max_epochs=10),
    default_hooks=dict(history=dict(patience=10)),
)
stage2 = dict(
    _base_='./_base_/schedules/cosine.py',
    model=dict(decode_head=dict(loss_decode=dict(_delete_=True, type='CEDiceLoss', alpha=0.6))),
    optim_wrapper=dict(optimizer=dict(lr=2e-4, weight_decay=5e-4)),
    default_hooks=dict(history=dict(patience=8)),
)
stage3 = dict(
    _base_='./_base_/schedules/warm_restarts.py',
    model=dict(decode_head=dict(loss_decode=dict(_delete_=True, type='CEDiceLoss', alpha=0.6))),
    optim_wrapper=dict(optimizer=dict(lr=1e-4, weight_decay=5e-4)),
    default_hooks=dict(history=dict(patience=6)),
)
stage4 = dict(
    _base_='./_base_/schedules/plateau.py',
    model=dict(decode_head=dict(loss_decode=dict(_delete_=True, type='CEDiceLoss', alpha=0.6))),
    train_dataloader=dict(batch_size=4, dataset=dict(pipeline=_base_.load + _base_.standard + _base_.pack)),
    optim_wrapper=dict(optimizer=dict(lr=5e-5, weight_decay=1e-3)),
    default_hooks=dict(history=dict(patience=6)),
)
stage5 = dict(
    _base_='./_base_/schedules/cosine.py',
    model=dict(decode_head=dict(loss_decode=dict(_delete_=True, type='CEDiceLoss', alpha=0.5))),
    train_dataloader=dict(dataset=dict(pipeline=_base_.load + _base_.advanced + _base_.pack)),
    optim_wrapper=dict(optimizer=dict(lr=5e-5, weight_decay=1e-3)),
    default_hooks=dict(history=dict(patience=5)),
)
