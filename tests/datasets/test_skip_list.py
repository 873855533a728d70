from pathlib import Path

import pytest
from injected_faults import name
from mmengine.config import Config

from mmseg_custom.datasets import FoldError, KFoldDataset
from mmseg_custom.datasets.checks.skip_list import SkipListError, write_skip_list
from mmseg_custom.datasets.folds.kfold_dataset import whole_split
from mmseg_custom.datasets.prepare import prepare


@pytest.fixture
def cfg(tiny_recipe):
    return Config.fromfile(tiny_recipe / 'tiny_stage2.py')


def names(dataset):
    return [dataset.name_of(dataset.get_data_info(index)) for index in range(len(dataset))]


def test_skip_list_counts_for_both_splits_and_before_the_folds(cfg):
    settings = cfg.train_dataloader.dataset
    skipped = [name(0), name(4), name(2, 'val')]
    write_skip_list(skipped, 'skip.txt')
    whole = {part: names(whole_split(settings, part)) for part in ('train', 'val')}
    settings.skip_list = 'skip.txt'
    remaining = {part: names(whole_split(settings, part)) for part in ('train', 'val')}
    assert {part: len(left) for part, left in remaining.items()} == {'train': 8, 'val': 3}
    for part in whole:
        gone = {f'{part}/{name}' for name in set(whole[part]) - set(remaining[part])}
        assert gone == {name for name in skipped if name.startswith(part)}
    split = prepare(cfg).split
    assert sorted(name for part in split.folds for name in part) == remaining['train']
    fold = {**settings, 'fold': 1, 'pipeline': []}
    del fold['type']
    assert names(KFoldDataset(**fold)) == split.names(1, validation=False)
    fold['skip_list'] = None
    with pytest.raises(FoldError, match='--renew'):
        KFoldDataset(**fold)


def test_skip_list_must_fit(cfg):
    settings = cfg.train_dataloader.dataset
    settings.skip_list = 'skip.txt'
    with pytest.raises(FileNotFoundError, match=r'skip\.txt does not exist.*--skip-list'):
        whole_split(settings, 'train')
    Path('skip.txt').write_text('train/nowhere\n')
    with pytest.raises(SkipListError, match='no image train/nowhere'):
        whole_split(settings, 'train')
    assert len(whole_split(settings, 'val')) == 4
    Path('skip.txt').write_text(f'\n{name(0).removeprefix("train/")}\n')
    with pytest.raises(SkipListError, match='does not begin with'):
        whole_split(settings, 'train')
