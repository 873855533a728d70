from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS


@DATASETS.register_module()
class ShapesDataset(BaseSegDataset):
    METAINFO = dict(classes=('ground', 'box', 'thing'), palette=[[0, 0, 0], [255, 0, 0], [0, 255, 0]])

    def __init__(self, **kwargs):
        super().__init__(img_suffix='.jpg', seg_map_suffix='.png', **kwargs)
