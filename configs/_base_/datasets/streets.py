_base_ = './cityscapes.py'

resize = [dict(type='Resize', scale=(256, 128), keep_ratio=False)]
load = _base_.read_image + _base_.read_label + resize + [dict(type='UseWorkingSize')]
test_pipeline = load + _base_.pack
original_size_pipeline = _base_.read_image + resize + _base_.read_label + _base_.pack
scales = [dict(type='Resize', scale=(int(256 * r), int(128 * r)), keep_ratio=False) for r in (0.75, 1.0, 1.25)]
scored = _base_.read_label + [dict(type='UseWorkingSize', scale=(256, 128))] + _base_.pack
augmentation = dict(type='TestTimeAug', transforms=[scales, _base_.flips, *([step] for step in scored)])
tta_pipeline = _base_.read_image + [augmentation]

dataset = dict(
    data_root='data/streets',
    packed='data/packed/streets',
    folds=dict(file='data/folds/streets_5.json'),
    pipeline=load + _base_.pack,
)
loader = dict(batch_size=8, num_workers=0, persistent_workers=False, dataset=dataset)
train_dataloader = val_dataloader = test_dataloader = loader
