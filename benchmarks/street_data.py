"""A Cityscapes in small: PNG pairs of its size and layout, and the data sets that read them."""

from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS

from benchmarks.network import recipe_config
from benchmarks.options import Options
from mmseg_custom.datasets import KFoldDataset
from mmseg_custom.datasets.packed.pack import pack
from street_scenes import write_dataset

LEVELS = {'none': 1, 'standard': 4, 'advanced': 5}


def data_config(options: Options, level: str, packed: bool) -> Config:
    """The config of the stage that has a level of augmentation, on street scenes of twice the working size.

    The pictures are drawn at the first call, and packed where that is asked for.
    """
    cfg = recipe_config(options, LEVELS[level])
    init_default_scope(cfg.default_scope)
    height, width = (256, 512) if options.quick else (1024, 2048)
    root = Path(options.data + f'_{height}')
    write_dataset(root, train=8, val=2, height=height, width=width)
    for part in ('train', 'val', 'test'):
        cfg[f'{part}_dataloader'].dataset.update(
            data_root=str(root), packed=str(root.with_name(root.name + '_packed')) if packed else None
        )
    if packed:
        pack(cfg)
    return cfg


def build_dataset(options: Options, level: str, packed: bool) -> KFoldDataset:
    """The training images, augmented at a level."""
    dataset = DATASETS.build(data_config(options, level, packed).train_dataloader.dataset)
    assert not packed or len(dataset.store) == len(dataset), 'the packed store is not used'
    return dataset


def assert_same_sample(sample: dict, other: dict) -> None:
    """Equal to the last bit."""
    pairs = [(sample['inputs'], other['inputs'])]
    pairs.append(tuple(one['data_samples'].gt_sem_seg.data for one in (sample, other)))
    assert all(torch.equal(*pair) for pair in pairs), 'the packed store and the files give different samples'
