_base_ = './deeplabv3plus_r18.py'
model = dict(
    decode_head=dict(
        _delete_=True,
        type='DeepLabV3PlusHead',
        in_channels=(64, 512),
        in_index=(0, 3),
        num_classes=19,
        norm_cfg=_base_.norm_cfg,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
    ),
)
