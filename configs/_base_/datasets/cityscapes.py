_base_ = './kfold.py'

from mmseg_custom.datasets.pipelines import pipelines

metainfo = dict(
    classes=(
        'road', 'sidewalk', 'building', 'wall', 'fence', 'pole', 'traffic light', 'traffic sign', 'vegetation',
        'terrain', 'sky', 'person', 'rider', 'car', 'truck', 'bus', 'train', 'motorcycle', 'bicycle',
    ),
    palette=[
        [128, 64, 128], [244, 35, 232], [70, 70, 70], [102, 102, 156], [190, 153, 153], [153, 153, 153],
        [250, 170, 30], [220, 220, 0], [107, 142, 35], [152, 251, 152], [70, 130, 180], [220, 20, 60],
        [255, 0, 0], [0, 0, 142], [0, 0, 70], [0, 60, 100], [0, 80, 100], [0, 0, 230], [119, 11, 32],
    ],
)  # fmt: skip
label_ids = {
    7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9, 23: 10, 24: 11, 25: 12, 26: 13, 27: 14,
    28: 15, 31: 16, 32: 17, 33: 18,
    0: 255, 1: 255, 2: 255, 3: 255, 4: 255, 5: 255, 6: 255, 9: 255, 10: 255, 14: 255, 15: 255, 16: 255, 18: 255,
    29: 255, 30: 255, 255: 255,
}  # fmt: skip
read_label = [dict(type='LoadAnnotations'), dict(type='MapLabelIds', table=label_ids, num_classes=19)]
load, test_pipeline, original_size_pipeline, tta_pipeline = pipelines((1024, 512), _base_.read_image, read_label)

dataset = dict(
    type='KFoldDataset',
    data_root='data/cityscapes',
    packed='data/packed/cityscapes',
    data_prefix=dict(img_path='leftImg8bit/{split}', seg_map_path='gtFine/{split}'),
    img_suffix='_leftImg8bit.png',
    seg_map_suffix='_gtFine_labelIds.png',
    metainfo=metainfo,
    folds=dict(file='data/folds/cityscapes_{num_folds}.json', num_folds=5, seed=42, group_by=None),
    pipeline=test_pipeline,
)
train_dataloader = val_dataloader = test_dataloader = dict(dataset=dataset)
