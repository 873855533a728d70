_base_ = './cityscapes.py'

from mmseg_custom.datasets.pipelines import pipelines

load, test_pipeline, original_size_pipeline, tta_pipeline = pipelines(
    (256, 128), _base_.read_image, _base_.read_label
)

dataset = dict(
    data_root='data/streets',
    packed='data/packed/streets',
    folds=dict(file='data/folds/streets_{num_folds}.json'),
    pipeline=test_pipeline,
)
loader = dict(batch_size=8, num_workers=0, persistent_workers=False, dataset=dataset)
train_dataloader = val_dataloader = test_dataloader = loader
