# MMSegmentation's UNet; height and width of the images must be multiples of 16.
_base_ = './deeplabv3plus_r34.py'

model = dict(
    backbone=dict(_delete_=True, type='UNet', base_channels=64, num_stages=5, norm_cfg=_base_.norm_cfg),
    decode_head=dict(
        _delete_=True,
        type='FCNHead',
        in_channels=64,
        in_index=4,
        channels=64,
        num_convs=1,
        concat_input=False,
        num_classes=19,
        norm_cfg=_base_.norm_cfg,
        align_corners=False,
        loss_decode=_base_.model.decode_head.loss_decode,
    ),
)
