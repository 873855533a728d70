from pathlib import Path

import pytest
import torch
from mmengine.registry import init_default_scope

from mmseg_custom.datasets.street_scenes import write_dataset

CONFIGS = Path(__file__).resolve().parent.parent / 'configs'

STAGE = """
_base_ = [
    '{configs}/_base_/models/deeplabv3plus_r10_narrow.py',
    '{configs}/_base_/datasets/streets.py',
    '{configs}/_base_/augmentations.py',
    '{configs}/_base_/schedules/{schedule}.py',
    '{configs}/_base_/default_runtime.py',
]
load_from = {load_from!r}
model = dict(backbone=dict(base_channels=4), decode_head=dict(
    in_channels=(4, 32), aspp_channels=8, c1_channels=4, channels=8,
    loss_decode=dict(_delete_=True, type='{loss}')))
load = _base_.read_image + _base_.read_label + [
    dict(type='Resize', scale=(64, 32), keep_ratio=False), dict(type='UseWorkingSize')]
test_pipeline = load + _base_.pack
data = dict(data_root='data', folds=dict(file='folds.json', num_folds=3))
train_dataloader = dict(batch_size=4, dataset=dict(pipeline=load + _base_.{level} + _base_.pack, **data))
val_dataloader = test_dataloader = dict(dataset=dict(pipeline=load + _base_.pack, **data))
train_cfg = dict(max_epochs=2)
env_cfg = dict(num_threads=1)
default_hooks = dict(fold_average=dict(stage_dir='work_dirs/tiny/stage{stage}'))
"""


@pytest.fixture(autouse=True)
def one_thread():
    """Tests beside each other on two cores are fastest, and their numbers the same, on one thread each."""
    torch.set_num_threads(1)
    init_default_scope('mmseg')


@pytest.fixture(scope='session')
def scenes(tmp_path_factory):
    """A data set of 10 + 4 tiny street scenes in the layout of Cityscapes."""
    root = tmp_path_factory.mktemp('scenes') / 'streets'
    write_dataset(root, train=10, val=4, height=32, width=64)
    return root


@pytest.fixture
def tiny_recipe(scenes, tmp_path, monkeypatch):
    """A folder to work in, with `data` and a plan of two stages and three folds in `recipe`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'data').symlink_to(scenes)
    folder = tmp_path / 'recipe'
    folder.mkdir()
    values = {'configs': CONFIGS, 'schedule': 'plateau', 'level': 'none', 'stage': 1, 'load_from': None}
    (folder / 'tiny_stage1.py').write_text(STAGE.format(**values, loss='LabelSmoothCrossEntropyLoss'))
    values.update(schedule='cosine', level='standard', stage=2, load_from='work_dirs/tiny/stage1/winner.pth')
    (folder / 'tiny_stage2.py').write_text(STAGE.format(**values, loss='CEDiceLoss'))
    for fold in (1, 2, 3):
        leaf = f"_base_ = './tiny_stage2.py'\ntrain_dataloader = val_dataloader = dict(dataset=dict(fold={fold}))\n"
        (folder / f'tiny_stage2_fold{fold}.py').write_text(leaf)
    return folder
