_base_ = './cityscapes.py'

resize = [dict(type='Resize', scale=(256, 128), keep_ratio=False)]
load = _base_.read_image + _base_.read_label + resize + [dict(type='UseWorkingSize')]
test_pipeline = load + _base_.pack
original_size_pipeline = _base_.read_image + resize + _base_.read_label + _base_.pack

dataset = dict(data_root='data/streets', folds=dict(file='data/folds/streets_5.json'), pipeline=load + _base_.pack)
loader = dict(batch_size=8, num_workers=0, persistent_workers=False, dataset=dataset)
train_dataloader = val_dataloader = test_dataloader = loader
