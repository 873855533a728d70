# Cityscapes with scales and crops from the files of full size; scored as ever.
_base_ = './cityscapes.py'

scale_crop = [
    dict(type='RandomResize', scale=(1024, 512), ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=(512, 1024), cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PhotoMetricDistortion'),
    dict(type='Pad', size=(1024, 512), pad_val=dict(img=(104, 116, 124), seg=255)),  # the mean colour, ignored
]
train_pipeline = _base_.read_image + _base_.read_label + scale_crop + _base_.pack
