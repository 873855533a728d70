norm_cfg = dict(type='BN', requires_grad=True)
data_preprocessor = dict(
    type='SegDataPreProcessor',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    bgr_to_rgb=True,
    pad_val=0,
    seg_pad_val=255,
    size_divisor=1,
)
model = dict(
    type='EncoderDecoder',
    data_preprocessor=data_preprocessor,
    backbone=dict(type='DilatedResNet', depth=34, norm_cfg=norm_cfg),
    decode_head=dict(
        type='DeepLabV3PlusHead',
        in_channels=(64, 512),
        in_index=(0, 3),
        channels=256,
        dilations=(12, 24, 36),
        num_classes=19,
        norm_cfg=norm_cfg,
        loss_decode=dict(type='LabelSmoothCrossEntropyLoss', label_smoothing=0.0),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
