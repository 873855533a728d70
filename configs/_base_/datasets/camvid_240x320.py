# CamVid at 2/3 of the size of its files; `scale_crop` takes its scales from the files themselves.
_base_ = './camvid.py'

from mmseg_custom.datasets import pipelines as at

size = (320, 240)
load, test_pipeline, original_size_pipeline, tta_pipeline = at.pipelines(size, _base_.read_image, _base_.read_label)
scale_crop = at.scale_crop(size)
train_pipeline = _base_.read_image + _base_.read_label + scale_crop + _base_.pack

train_dataloader = val_dataloader = test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
