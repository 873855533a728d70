"""The config of a stage that trains in seconds."""

from pathlib import Path

from mmseg_custom.config import load_run_config

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


def load_run(folder, name, work_dir=None, options=None):
    """The config of a run of a plan, by its name: `tiny_stage2_fold1`."""
    stage, _, fold = name.partition('_fold')
    return load_run_config(Path(folder) / f'{stage}.py', work_dir, options, int(fold) if fold else None)
