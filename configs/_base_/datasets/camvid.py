_base_ = './kfold.py'

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
read_image = [dict(type='LoadImageFromFile')]
read_label = [dict(type='LoadAnnotations'), dict(type='MapLabelIds', table=label_ids, num_classes=11)]
resize = [dict(type='Resize', scale=(480, 360), keep_ratio=False)]
load = read_image + read_label + resize + [dict(type='UseWorkingSize')]
test_pipeline = load + _base_.pack  # what MMSegmentation's inference takes
original_size_pipeline = read_image + resize + read_label + _base_.pack
scales = [dict(type='Resize', scale=(int(480 * r), int(360 * r)), keep_ratio=False) for r in (0.75, 1.0, 1.25)]
scored = read_label + [dict(type='UseWorkingSize', scale=(480, 360))] + _base_.pack
augmentation = dict(type='TestTimeAug', transforms=[scales, _base_.flips, *([step] for step in scored)])
tta_pipeline = read_image + [augmentation]

dataset = dict(
    type='KFoldDataset',
    data_root='data/camvid',
    packed='data/packed/camvid',
    data_prefix=dict(img_path='images/{split}', seg_map_path='labels/{split}'),
    img_suffix='.jpg',
    seg_map_suffix='.png',
    metainfo=metainfo,
    folds=dict(file='data/folds/camvid_4.json', num_folds=4, seed=42, group_by=None),
    pipeline=load + _base_.pack,
)
train_dataloader = val_dataloader = test_dataloader = dict(batch_size=8, dataset=dataset)
