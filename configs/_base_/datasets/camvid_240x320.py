# CamVid at 2/3 of the size of its files; `scale_crop` takes its scales from the files themselves.
_base_ = './camvid.py'

resize = [dict(type='Resize', scale=(320, 240), keep_ratio=False)]
load = _base_.read_image + _base_.read_label + resize + [dict(type='UseWorkingSize')]
test_pipeline = load + _base_.pack
original_size_pipeline = _base_.read_image + resize + _base_.read_label + _base_.pack
scales = [dict(type='Resize', scale=(int(320 * r), int(240 * r)), keep_ratio=False) for r in (0.75, 1.0, 1.25)]
scored = _base_.read_label + [dict(type='UseWorkingSize', scale=(320, 240))] + _base_.pack
augmentation = dict(type='TestTimeAug', transforms=[scales, _base_.flips, *([step] for step in scored)])
tta_pipeline = _base_.read_image + [augmentation]
scale_crop = [
    dict(type='RandomResize', scale=(320, 240), ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=(240, 320), cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PhotoMetricDistortion'),
    dict(type='Pad', size=(320, 240), pad_val=dict(img=(104, 116, 124), seg=255)),  # the mean colour, ignored
]
train_pipeline = _base_.read_image + _base_.read_label + scale_crop + _base_.pack

dataset = dict(pipeline=load + _base_.pack)
train_dataloader = val_dataloader = test_dataloader = dict(dataset=dataset)
