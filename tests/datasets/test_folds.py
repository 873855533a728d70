import itertools
import json
from pathlib import Path

import pytest

from mmseg_custom.datasets import FoldError, FoldSplit, read_split, split_folds, write_split
from mmseg_custom.datasets.folds.fold_file import SPLIT_DEFAULTS, check_made_as, check_pairs, fingerprint_pairs

NAMES = [f'city{n % 3}/city{n % 3}_{n:02}' for n in range(20)]


def test_reference_split_is_that_of_scikit_learn():
    names = [str(n) for n in range(10)]
    assert split_folds(names, 5, seed=42) == [['1', '8'], ['0', '5'], ['2', '7'], ['4', '9'], ['3', '6']]


def test_folds_are_disjoint_and_complete_and_sizes_differ_by_one():
    folds = split_folds(NAMES[:18], 4, seed=0)
    assert sorted(itertools.chain(*folds)) == sorted(NAMES[:18])
    assert [len(part) for part in folds] == [5, 5, 4, 4]


def test_order_of_the_input_does_not_matter():
    assert split_folds(NAMES[::-1], 5, seed=1) == split_folds(NAMES, 5, seed=1)


def test_cities_stay_together():
    folds = split_folds(NAMES, 3, seed=0, group_by='city')
    assert sorted(itertools.chain(*folds)) == sorted(NAMES)
    cities = [{name.partition('/')[0] for name in part} for part in folds]
    assert sorted(cities, key=sorted) == [{'city0'}, {'city1'}, {'city2'}]


def test_blocks_of_consecutive_frames_stay_together():
    names = [f'drive{d}_{frame:03}' for d in range(2) for frame in range(25)]
    folds = split_folds(names, 3, seed=0, group_by='block', block_size=10)
    assert sorted(itertools.chain(*folds)) == names
    of_part = {name: position for position, part in enumerate(folds) for name in part}
    for drive in (names[:25], names[25:]):
        for start in (0, 10, 20):
            assert len({of_part[name] for name in drive[start : start + 10]}) == 1
    assert max(map(len, folds)) - min(map(len, folds)) <= 10


@pytest.mark.parametrize(
    ('num_folds', 'group_by', 'message'),
    [
        (21, None, r'20 images: use 2 to 20 folds\.$'),
        (4, 'city', '3 groups'),
        (1, None, '1 folds'),
        (3, 'street', "group_by='street'"),
        (3, 'block', 'block_size=None'),
    ],
)
def test_impossible_splits_are_named(num_folds, group_by, message):
    with pytest.raises(FoldError, match=message):
        split_folds(NAMES, num_folds, 0, group_by)
    with pytest.raises(FoldError, match=r'2 folds cannot be made of 1 images: there must be two at least\.$'):
        split_folds(NAMES[:1], 2, 0)


@pytest.fixture
def split():
    return FoldSplit(5, 42, None, None, 'fingerprint', split_folds(NAMES, 5, 42))


def test_file_round_trip(split, tmp_path):
    write_split(split, tmp_path / 'folds.json')
    assert read_split(tmp_path / 'folds.json') == split


def test_edited_file_is_noticed(split, tmp_path):
    path = tmp_path / 'folds.json'
    write_split(split, path)
    content = json.loads(path.read_text())
    content['folds'][0].append(content['folds'][1].pop())
    path.write_text(json.dumps(content))
    with pytest.raises(FoldError, match='was edited'):
        read_split(path)


def test_missing_and_incomplete_files_are_named(tmp_path):
    with pytest.raises(FoldError, match=r'prepare_data\.py'):
        read_split(tmp_path / 'none.json')
    (tmp_path / 'half.json').write_text('{"hash": "x"}')
    with pytest.raises(FoldError, match='not complete'):
        read_split(tmp_path / 'half.json')


def test_training_and_validation_names_of_a_fold(split):
    train, val = split.names(2, validation=False), split.names(2, validation=True)
    assert val == split.folds[1]
    assert sorted(train + val) == sorted(NAMES)
    with pytest.raises(FoldError, match='Fold 6 does not exist'):
        split.names(6, validation=True)


@pytest.mark.parametrize(
    ('key', 'value'),
    [('num_folds', 4), ('seed', 0), ('group_by', 'city'), ('block_size', 5), ('holdout', 0.1)],
)
def test_a_file_that_was_made_otherwise_is_named(split, key, value):
    check_made_as(split, SPLIT_DEFAULTS, 'folds.json', 'make it anew')
    message = (
        f'Fold file folds.json was made with {key}={getattr(split, key)!r}, not {value!r}: take that back, or make it'
    )
    with pytest.raises(FoldError, match=message):
        check_made_as(split, {**SPLIT_DEFAULTS, key: value}, 'folds.json', 'make it anew')


def test_a_fingerprint_is_of_all_images_and_labels(tmp_path):
    kinds = ('img_path', 'seg_map_path')
    samples = {name: {kind: str(tmp_path / f'{name}.{kind}') for kind in kinds} for name in 'abc'}
    paths = [Path(sample[kind]) for sample in samples.values() for kind in kinds]
    for path in paths:
        path.write_bytes(b'12')
    known = {fingerprint_pairs(samples)}
    assert known == {fingerprint_pairs(dict(reversed(samples.items())))}
    for path in paths:
        path.write_bytes(b'123')
        known.add(fingerprint_pairs(samples))
    assert len(known) == 7
    without = [{'img_path': sample['img_path']} for sample in samples.values()]
    with pytest.raises(FoldError, match=r"no folder of labels: give it data_prefix=dict\(seg_map_path='FOLDER'\)\.$"):
        check_pairs(without)
    for path, what in ((paths[5], '1 images have no label'), (paths[4], '1 images are not there')):
        path.unlink()
        with pytest.raises(FileNotFoundError, match=rf'{what}, the first one {path}\.$'):
            fingerprint_pairs(samples)
    check_pairs([])
