_base_ = './deeplabv3plus_r18.py'
model = dict(pretrained=None, backbone=dict(_delete_=True, type='DilatedResNet', depth=18, norm_cfg=_base_.norm_cfg))
