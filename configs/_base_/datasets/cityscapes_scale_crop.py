# Cityscapes with scales and crops from the files of full size; scored as ever.
_base_ = './cityscapes.py'

from mmseg_custom.datasets.pipelines import scale_crop

train_pipeline = _base_.read_image + _base_.read_label + scale_crop((1024, 512)) + _base_.pack
