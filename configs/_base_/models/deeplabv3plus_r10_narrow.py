_base_ = './deeplabv3plus_r34.py'

model = dict(
    backbone=dict(depth=10, base_channels=16),
    decode_head=dict(in_channels=(16, 128), aspp_channels=64, c1_channels=16, channels=64, dilations=(3, 6, 9)),
)
