"""Tiny data sets as users have them: images and labels of 8 x 6 pixels, and configs over them."""

from pathlib import Path

import cv2
import numpy as np
from mmengine.config import Config, ConfigDict

PIPELINE = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='MapLabelIds', table={0: 0, 1: 1}, num_classes=2),
    dict(type='PackSegInputs'),
]
CLASSES = ('ground', 'box')


def write(path, array):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imencode(path.suffix.lower(), array)[1].tofile(path)


def write_pair(image, label, number=0, ids=(0, 1)):
    """An image of its own colour, and a label whose left half is the first id, whose right half the second."""
    write(image, np.full((6, 8, 3), 10 + number, np.uint8))
    write(label, np.repeat(np.array([ids], np.uint8), [4, 4], axis=1).repeat(6, axis=0))


def write_pairs(split, names, suffix='.png', ids=(0, 1)):
    for number, name in enumerate(names, start=100 if split.startswith('val') else 0):
        write_pair(f'data/images/{split}/{name}{suffix}', f'data/labels/{split}/{name}.png', number, ids)


def settings(**changes):
    """The settings of a data set under ``data``."""
    return {
        'type': 'KFoldDataset',
        'data_root': 'data',
        'data_prefix': {'img_path': 'images/{split}', 'seg_map_path': 'labels/{split}'},
        'img_suffix': '.png',
        'seg_map_suffix': '.png',
        'metainfo': {'classes': CLASSES},
        'folds': {'file': 'folds.json', 'num_folds': 2},
        'pipeline': PIPELINE,
        **changes,
    }


def config(val=None, **changes):
    """A config of three loaders over a data set; ``val`` changes those of val and test alone."""
    parts = {name: {'part': 'val', **(val or {})} for name in ('val_dataloader', 'test_dataloader')}
    parts['train_dataloader'] = {'part': 'train'}
    return Config({name: ConfigDict(dataset={**settings(**changes), **part}) for name, part in parts.items()})
