import pytest

from mmseg_custom.config import load_run_config
from mmseg_custom.datasets import FoldError, KFoldDataset, read_split
from mmseg_custom.datasets.folds.fold_file import FoldSplit, make_split, write_split
from mmseg_custom.datasets.folds.splitting import carve_holdout
from mmseg_custom.datasets.prepare import prepare
from mmseg_custom.io.files import read_json, write_json
from mmseg_custom.ledger.lineage import has_seen, image_set

NAMES = [f'{city}_{frame:03}' for city in ('a', 'b', 'c', 'd') for frame in range(10)]
SPEC = {'num_folds': 3, 'seed': 42, 'group_by': None, 'block_size': None}


def test_the_holdout_is_in_no_fold():
    split = make_split(NAMES, 'files', holdout=0.1, **SPEC)
    assert len(split.holdout_names) == 4
    assert sorted([*split.holdout_names, *split.names(None, validation=False)]) == NAMES
    assert make_split(NAMES[::-1], 'files', holdout=0.1, **SPEC) == split
    assert make_split(NAMES, 'files', holdout=0.1, **{**SPEC, 'seed': 1}).holdout_names != split.holdout_names


def test_groups_stay_together():
    assert {name[0] for name in carve_holdout(NAMES, 0.3, 42, 'city')} < set('abcd')
    assert len(carve_holdout(NAMES, 0.3, 42, 'city')) == 20
    blocks = carve_holdout(NAMES, 0.2, 42, 'block', 5)
    assert [int(name[-1]) % 5 for name in blocks] == [0, 1, 2, 3, 4] * 2


@pytest.mark.parametrize('share', [-0.1, 1.0])
def test_shares_that_are_none_are_named(share):
    with pytest.raises(FoldError, match=f'folds.holdout={share}'):
        carve_holdout(NAMES, share, 42)


def test_a_holdout_that_leaves_nothing_is_refused():
    with pytest.raises(FoldError, match='leaves no image'):
        carve_holdout(NAMES[:10], 0.5, 42, 'city')


def test_fold_files_of_earlier_versions_keep_their_checksum(tmp_path):
    split = make_split(NAMES, 'files', **SPEC)
    write_split(split, tmp_path / 'folds.json')
    content = read_json(tmp_path / 'folds.json')
    write_json({key: content[key] for key in content if not key.startswith('select')}, tmp_path / 'earlier.json')
    assert read_split(tmp_path / 'earlier.json') == split
    carved = make_split(NAMES, 'files', holdout=0.1, **SPEC)
    assert carved.hash != FoldSplit(**SPEC, fingerprint='files', folds=carved.folds).hash


@pytest.fixture
def build(tiny_recipe):
    cfg = load_run_config(tiny_recipe / 'tiny_stage2.py', fold=1)
    cfg.train_dataloader.dataset.folds.update(file='holdout.json', holdout=0.2)
    assert prepare(cfg).num_train == 10

    def build(part, fold):
        settings = {**cfg.train_dataloader.dataset, 'part': part, 'fold': fold, 'pipeline': []}
        settings.pop('type')
        return KFoldDataset(**settings)

    return build


def names(dataset):
    return {dataset.name_of(dataset.get_data_info(index)) for index in range(len(dataset))}


def test_no_training_sees_the_holdout(build):
    holdout = build('holdout', None)
    assert len(holdout) == 2
    assert names(build('holdout', 2)) == names(holdout)
    for fold in (None, 1, 2, 3):
        train = build('train', fold)
        assert not names(train) & names(holdout)
        assert not has_seen([image_set(train)], image_set(holdout))
    assert len(build('train', None)) == 8
    assert names(build('all', None)) == names(build('train', None)) | names(holdout)
    assert has_seen([image_set(build('train', None))], image_set(build('val', 2)))
    assert has_seen([image_set(build('all', None))], image_set(holdout))
    assert image_set(build('val', None)) == {'split': 'val'}


def test_a_holdout_without_a_share_is_refused(build):
    with pytest.raises(FoldError, match=r'holdout=0\.1'):
        KFoldDataset(part='holdout', folds={'file': 'holdout.json'})


def test_what_says_nothing_about_folds_is_named():
    with pytest.raises(FoldError, match="'selection' is unknown"):
        KFoldDataset(folds={'file': 'folds.json', 'selection': 0.2})
