# MMSegmentation's own DeepLabV3+ of the installed host, which can now name our components.
# 'mmseg::deeplabv3plus/...' would do if MMEngine found it whatever MMSegmentation's distribution is called.
_base_ = (
    __import__('mmseg').__path__[0]
    + '/.mim/configs/deeplabv3plus/deeplabv3plus_r18-d8_4xb2-80k_cityscapes-512x1024.py'
)
custom_imports = dict(imports=['mmseg_custom'], allow_failed_imports=False)
