# DeepLabV3: the backbone of the recipe under MMSegmentation's ASPP head; dilations for output stride 8.
_base_ = './deeplabv3plus_r34.py'

model = dict(
    decode_head=dict(
        _delete_=True,
        type='ASPPHead',
        in_channels=512,
        in_index=3,
        channels=256,
        dilations=(1, 12, 24, 36),
        num_classes=19,
        norm_cfg=_base_.norm_cfg,
        align_corners=False,
        loss_decode=_base_.model.decode_head.loss_decode,
    ),
)
