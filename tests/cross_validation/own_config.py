"""A config as a user of MMSegmentation has it, in the manner of its own: iteration loop, endless sampler, SyncBN."""

from pathlib import Path

NORM = "norm_cfg = dict(type='SyncBN', requires_grad=True)\n"
MODEL = """
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True,
        pad_val=0, seg_pad_val=255, size=(32, 32)),
    backbone=dict(
        type='FastSCNN', downsample_dw_channels=(4, 4), global_in_channels=4, global_block_channels=(4, 4, 4),
        global_out_channels=4, higher_in_channels=4, lower_in_channels=4, fusion_out_channels=4, norm_cfg=norm_cfg),
    decode_head=dict(
        type='FCNHead', in_channels=4, channels=4, num_convs=1, in_index=-1, num_classes=3, norm_cfg=norm_cfg,
        dropout_ratio=0.3, init_cfg=dict(type='Normal', std=1.0, override=dict(name='conv_seg')),
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False)),
    train_cfg=dict(), test_cfg=dict(mode='whole'))
"""
DATA = """
labels = dict(type='LoadAnnotations', reduce_zero_label=True)
train_pipeline = [
    dict(type='LoadImageFromFile'), labels, dict(type='RandomCrop', crop_size=(32, 32)),
    dict(type='RandomFlip', prob=0.5), dict(type='PhotoMetricDistortion'), dict(type='PackSegInputs')]
test_pipeline = [dict(type='LoadImageFromFile'), labels, dict(type='PackSegInputs')]
train_dataloader = dict(
    batch_size=2, num_workers=0, sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='BaseSegDataset', data_root='data/ade', reduce_zero_label=True, pipeline=train_pipeline,
        data_prefix=dict(img_path='images/training', seg_map_path='annotations/training'),
        metainfo=dict(classes=('red', 'green', 'blue'))))
"""
SCHEDULE = """
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.001, momentum=0.9))
param_scheduler = [dict(type='PolyLR', power=0.9, begin=0, end=9, by_epoch=False)]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=9, val_interval=4)
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=2))
log_processor = dict(by_epoch=False)
default_scope = 'mmseg'
"""
ONE_OUTPUT = """
model['decode_head'].update(
    num_classes=2, out_channels=1, threshold=0.4, loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=True))
labels.pop('reduce_zero_label')
train_dataloader['dataset'].update(
    data_root='data/binary', reduce_zero_label=False, metainfo=dict(classes=('ground', 'box')),
    data_prefix=dict(img_path='images/train', seg_map_path='labels/train'))
"""


def write_own_config(more=''):
    """Write `own.py`, with `more` behind it."""
    Path('own.py').write_text(NORM + MODEL + DATA + SCHEDULE + more)
    return 'own.py'
