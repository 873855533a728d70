_base_ = './kfold.py'

from mmseg_custom.datasets.pipelines import pipelines

metainfo = dict(
    classes=(
        'sky', 'building', 'pole', 'road', 'pavement', 'tree', 'sign', 'fence', 'car', 'pedestrian', 'bicyclist',
    ),
    palette=[
        [128, 128, 128], [128, 0, 0], [192, 192, 128], [128, 64, 128], [0, 0, 192], [128, 128, 0],
        [192, 128, 128], [64, 64, 128], [64, 0, 128], [64, 64, 0], [0, 128, 192],
    ],
)  # fmt: skip
label_ids = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 7, 8: 8, 9: 9, 10: 10, 255: 255}
read_label = [dict(type='LoadAnnotations'), dict(type='MapLabelIds', table=label_ids, num_classes=11)]
load, test_pipeline, original_size_pipeline, tta_pipeline = pipelines((480, 360), _base_.read_image, read_label)

dataset = dict(
    type='KFoldDataset',
    data_root='data/camvid',
    packed='data/packed/camvid',
    data_prefix=dict(img_path='images/{split}', seg_map_path='labels/{split}'),
    img_suffix='.jpg',
    seg_map_suffix='.png',
    metainfo=metainfo,
    folds=dict(file='data/folds/camvid_{num_folds}.json', num_folds=4, seed=42, group_by=None),
    pipeline=test_pipeline,
)
train_dataloader = val_dataloader = test_dataloader = dict(batch_size=8, dataset=dataset)
