# Street scenes with wrong labels, in folds: `mmseg-kfold run docs/getting_started/streets_errors.py`.
_base_ = [
    '../../configs/_base_/models/deeplabv3plus_r10_narrow.py',
    '../../configs/_base_/datasets/streets.py',
    '../../configs/_base_/augmentations.py',
    '../../configs/_base_/schedules/cosine.py',
    '../../configs/_base_/default_runtime.py',
]
dataset = dict(
    _delete_=True,
    type='BaseSegDataset',
    data_root='data/streets_errors',
    data_prefix=dict(img_path='leftImg8bit/train', seg_map_path='gtFine/train'),
    img_suffix='_leftImg8bit.png',
    seg_map_suffix='_gtFine_labelIds.png',
    metainfo=_base_.metainfo,
    pipeline=_base_.load + _base_.standard + _base_.pack,
)
model = dict(decode_head=dict(loss_decode=dict(_delete_=True, type='CEDiceLoss', alpha=0.6)))
train_dataloader = dict(batch_size=4, dataset=dataset)
val_dataloader = test_dataloader = None
optim_wrapper = dict(optimizer=dict(lr=4e-3, weight_decay=1e-4))
param_scheduler, train_cfg = dict(T_max=16), dict(max_epochs=16, val_interval=16)
env_cfg = dict(num_threads=1)
