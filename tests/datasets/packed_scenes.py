"""Tiny scenes to pack, and what a packed sample has to be."""

import shutil

import torch
from mmengine.config import Config
from mmseg.registry import DATASETS

from mmseg_custom.datasets import SampleKey
from mmseg_custom.datasets.packed import pack as packing
from mmseg_custom.datasets.prepare import prepare

IMAGE_AND_LABEL = 64 * 32 * 4


def make_config(recipe, scenes, place):
    """A config over a copy of the scenes that a test may change; the folds are made."""
    (place / 'data').unlink()
    shutil.copytree(scenes, place / 'data')
    cfg = Config.fromfile(recipe / 'tiny_stage2.py')
    for loader in packing.LOADERS:
        cfg[loader].dataset.packed = 'packed'
    prepare(cfg)
    return cfg


def build(cfg, loader='train_dataloader', **changes):
    return DATASETS.build({**cfg[loader].dataset, **changes})


def assert_same(sample, plain):
    assert torch.equal(sample['inputs'], plain['inputs'])
    ours, theirs = sample['data_samples'], plain['data_samples']
    assert torch.equal(ours.gt_sem_seg.data, theirs.gt_sem_seg.data)
    assert ours.metainfo == theirs.metainfo
    assert {key: type(value) for key, value in ours.metainfo.items()} == {
        key: type(value) for key, value in theirs.metainfo.items()
    }


def assert_all_same(packed, plain):
    assert len(packed) == len(plain) > 0
    for index in range(len(plain)):
        key = SampleKey(42, 3, index)
        assert_same(packed[key], plain[key])
