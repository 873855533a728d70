import shutil
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmseg.registry import DATASETS
from mmseg.utils import register_all_modules
from user_data import write, write_pairs

from mmseg_custom.config import ConfigError
from mmseg_custom.datasets import FoldDataset, FoldError
from mmseg_custom.datasets.checks.leaks import Leak
from mmseg_custom.datasets.folds.any_folds import Folds
from mmseg_custom.datasets.prepare_folds import held_out_pipeline, keep_split, leaks_of, prepare_folds
from mmseg_custom.io.files import write_json
from mmseg_custom.ledger.fingerprint import hash_data

NAMES = [f'a{n:02}' for n in range(12)]
LOAD = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'), dict(type='PackSegInputs')]
VAL = [dict(type='LoadImageFromFile'), dict(type='Resize', scale=(4, 3)), *LOAD[1:]]


@pytest.fixture(autouse=True)
def _data(tmp_path, monkeypatch):
    """Nine training images of the first two classes, three with the third."""
    register_all_modules()
    monkeypatch.chdir(tmp_path)
    write_pairs('train', NAMES)
    for name in NAMES[9:]:
        write(f'data/labels/train/{name}.png', np.array([[0, 2]] * 6, np.uint8).repeat(4, axis=1))
    write_pairs('val', ['b', 'c'])


def loader(split, pipeline):
    prefix = dict(img_path=f'images/{split}', seg_map_path=f'labels/{split}')
    own = dict(type='BaseSegDataset', data_root='data', img_suffix='.png', serialize_data=False)
    return dict(dataset={**own, 'data_prefix': prefix, 'metainfo': dict(classes=tuple('xyz')), 'pipeline': pipeline})


def config(**changes):
    scored = {f'{name}_dataloader': loader('val', VAL) for name in ('val', 'test')}
    return Config({'train_dataloader': loader('train', LOAD), **scored, **changes})


def prepare(cfg, stratify=False, **folds):
    return prepare_folds(cfg.train_dataloader.dataset, Folds(file='work/folds.json', **folds), stratify)


def view(cfg, part, fold):
    """A part of a fold, held-out images through the pipeline of validation."""
    pipeline = None if part == 'train' else held_out_pipeline(cfg)
    return FoldDataset(cfg.train_dataloader.dataset, dict(file='work/folds.json'), fold, part, pipeline)


def test_folds_are_made_once_and_their_data_sets_built_of_the_file():
    cfg = config()
    prepared = prepare(cfg, stratify=True, num_folds=3)
    assert prepared.lines == ['the rarest class, z (12.50% of the pixels), has 100% to 100% of its mean in a fold']
    written = Path('work/folds.json').read_bytes()
    assert prepare(cfg, stratify=True, num_folds=3).split == prepared.split
    assert Path('work/folds.json').read_bytes() == written
    for k in (1, 2, 3):
        train, val = view(cfg, 'train', k), view(cfg, 'val', k)
        assert val.names == prepared.split.names(k, validation=True)
        assert train.names == prepared.split.names(k, validation=False)
        assert val[0]['inputs'].shape == (3, 3, 4) and train[0]['inputs'].shape == (3, 6, 8)


def test_all_images_but_the_holdout_are_one_data_set():
    cfg = config()
    prepare(cfg, num_folds=3, holdout=0.25)
    parts = [view(cfg, part, None).names for part in ('train', 'holdout')]
    assert sorted(map(len, parts)) == [3, 9] and sorted(parts[0] + parts[1]) == NAMES


def test_what_the_file_was_not_made_with_is_refused():
    prepare(config(), num_folds=3)
    with pytest.raises(FoldError, match='num_folds=3, not 4'):
        prepare(config(), num_folds=4)
    with pytest.raises(FoldError, match='without stratification'):
        prepare(config(), stratify=True, num_folds=3)


def test_leaks_into_val_and_between_folds_are_found():
    cfg = config()
    assert leaks_of(cfg, prepare(cfg, num_folds=3)) == []
    shutil.copy('data/images/train/a00.png', 'data/images/train/a01.png')
    Path('work/folds.json').unlink()
    assert leaks_of(cfg, prepare(cfg, num_folds=11)) == []  # Both are in one fold.
    Path('work/folds.json').unlink()
    by_last_digit = prepare(cfg, num_folds=10, group_by=r'\d$')
    fold_of = {name: f'fold {k}' for k, part in enumerate(by_last_digit.split.folds, start=1) for name in part}
    assert leaks_of(cfg, by_last_digit)[-1] == Leak('content', fold_of['a01'], 'a01', 'a00', fold_of['a00'])


def test_a_val_split_of_the_training_images_is_found():
    cfg = config(val_dataloader=loader('train', VAL), test_dataloader=None)
    prepared = prepare(cfg, num_folds=3)
    assert leaks_of(cfg, prepared) == [Leak('path', 'val', name, name) for name in NAMES]


def test_the_pipeline_of_validation_is_found_where_the_config_has_it():
    assert held_out_pipeline(config()) == VAL
    assert held_out_pipeline(config(val_dataloader=None)) == VAL
    wrapped = dict(dataset=dict(type='ConcatDataset', datasets=[loader('val', VAL)['dataset']]))
    assert held_out_pipeline(config(val_dataloader=wrapped, test_pipeline=LOAD)) == VAL
    none = dict(val_dataloader=None, test_dataloader=None)
    assert held_out_pipeline(config(**none, test_pipeline=LOAD)) == LOAD
    with pytest.raises(ConfigError, match='test_pipeline='):
        held_out_pipeline(config(**none))
    with pytest.raises(ConfigError, match='loads no labels'):
        held_out_pipeline(config(**none, test_pipeline=LOAD[:1]))


def test_folds_of_nnunet_are_kept_by_the_run_and_no_others_may_follow():
    train, kept = config().train_dataloader.dataset, Path('work/folds.json')
    for number, parts in enumerate(((NAMES[:6], NAMES[6:]), (NAMES[:5], NAMES[5:]))):
        write_json([{'train': parts[1 - k], 'val': parts[k]} for k in (0, 1)], f'{number}.json')
    given = [prepare_folds(train, Folds(file=f'{number}.json')).split for number in (0, 1)]
    for _ in range(2):
        keep_split(given[0], kept, '0.json')
    cut = {'type': 'FoldDataset', 'dataset': train, 'folds': {'file': str(kept)}, 'fold': 1}
    assert DATASETS.build(cut).names == NAMES[6:]
    assert hash_data(Config({'train_dataloader': {'dataset': cut}}))
    with pytest.raises(FoldError, match=r'^1\.json has other folds, .* than work/folds\.json'):
        keep_split(given[1], kept, '1.json')
