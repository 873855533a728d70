"""Names, folds and fold files of data sets of any class."""

import dataclasses
import json
from itertools import chain
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from user_data import write_pairs

from mmseg_custom.datasets import FoldError, write_split
from mmseg_custom.datasets.folds.any_folds import Folds, num_folds_in, read_folds
from mmseg_custom.datasets.folds.fold_file import read_split
from mmseg_custom.datasets.folds.image_names import name_images
from mmseg_custom.datasets.folds.leaves import Sample
from mmseg_custom.datasets.folds.make_folds import make_folds
from mmseg_custom.datasets.folds.splitting import carve_holdout, split_folds

NAMES = [f'{city}/{city}_{n:02}' for city in ('aachen', 'bonn', 'köln') for n in range(4)]

few = settings(max_examples=15, derandomize=True, deadline=None, database=None)


def place(folder, suffix='.png', root='/data'):
    return SimpleNamespace(data_prefix={'img_path': f'{root}/{folder}'}, img_suffix=suffix)


@pytest.mark.parametrize(
    ('leaves', 'paths', 'names'),
    [
        ([place('x', '_img.png')], [['/data/x/a/1_img.png', '/data/x/2.jpg']], [['a/1', '2']]),
        ([place('x'), place('y')], [['/data/x/1.png'], ['/data/y/1.png']], [['x/1'], ['y/1']]),
        ([place('x'), place('x')], [['/data/x/1.png'], ['/data/x/../x/1.png', '/data/x/2.png']], [['1'], ['1', '2']]),
        ([place('x', '.jpg')], [['/data/x/1.jpg', '/data/x/1.png']], [['1.jpg', '1.png']]),
        ([place('x', '.jpg')], [['/data/x/1.jpg', '/data/x/1.png', '/data/x/2.jpg']], [['1.jpg', '1.png', '2']]),
        ([place('elsewhere')], [['/data/x/a/1.png', '/data/x/b/1.png']], [['a/1', 'b/1']]),
        ([SimpleNamespace()], [['/data/x/1.png']], [['1']]),
        ([place('x', root='s3://bucket')], [['s3://bucket/x/a/1.png']], [['a/1']]),
        ([place('x'), place('y')], [['/data/x/1.png'], []], [['1'], []]),
    ],
)
def test_an_image_is_named_by_its_path_below_the_image_folders(leaves, paths, names):
    assert name_images(leaves, paths) == names


@pytest.fixture
def samples(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_pairs('train', NAMES)
    folders = dict(img_path='data/images/train', seg_map_path='data/labels/train')
    pairs = {name: {key: f'{folder}/{name}.png' for key, folder in folders.items()} for name in NAMES}
    return [Sample(0, n, name, pairs[name]) for n, name in enumerate(NAMES)]


def test_folds_at_random_and_by_groups_are_those_of_the_project(samples):
    assert make_folds(samples, 3, 7).folds == split_folds(NAMES, 3, 7)
    by_city = make_folds(samples, 3, 7, group_by='city')
    assert by_city.folds == split_folds(NAMES, 3, 7, 'city')
    Path('groups.csv').write_text(''.join(f'{name},{name[-1]}\n' for name in NAMES))
    assert make_folds(samples, 2, 7, group_by='groups.csv').folds == split_folds(NAMES, 2, 7, 'groups.csv')
    out = make_folds(samples, 2, 7, 'city', holdout=0.1)
    assert out.holdout_names == carve_holdout(NAMES, 0.1, 7, 'city') and len(out.holdout_names) == 4


def test_stratified_folds_have_the_rare_class_in_each(samples):
    pixels = np.array([[100, 10 * (n in (0, 1, 2))] for n in range(12)])
    split = make_folds(samples, 3, 0, pixels=pixels)
    assert split.stratified and [len(part) for part in split.folds] == [4, 4, 4]
    assert sorted(len(set(NAMES[:3]) & set(part)) for part in split.folds) == [1, 1, 1]


def test_stratified_folds_keep_groups_whole_and_carve_the_holdout_alike(samples):
    by_last_digit = r'(\d)$'
    pixels = np.array([[100, int(name.startswith('bonn'))] for name in NAMES])
    split = make_folds(samples, 3, 0, group_by=by_last_digit, holdout=0.25, pixels=pixels)
    parts = [split.holdout_names, *split.folds]
    assert sorted(chain(*parts)) == NAMES
    assert all(len({name[-1] for name in part}) == 1 for part in parts)
    assert all(sum(name.startswith('bonn') for name in part) == 1 for part in parts)


def test_samples_of_one_image_count_once(samples):
    twice = [*samples, *(Sample(1, n, one.name, one.info) for n, one in enumerate(samples))]
    pixels = np.ones((24, 1), int)
    assert make_folds(twice, 3, 7) == make_folds(samples, 3, 7)
    assert sorted(chain(*make_folds(twice, 3, 7, pixels=pixels).folds)) == NAMES


@pytest.mark.parametrize('pixels', [None, np.ones((12, 1), int)])
def test_copies_of_an_image_go_where_the_first_goes(samples, pixels):
    copies = [NAMES[:3], NAMES[6:8]]
    split = make_folds(samples, 3, 7, pixels=pixels, copies=copies)
    assert sorted(chain(*split.folds)) == NAMES
    assert [sum(set(one) <= set(part) for part in split.folds) for one in copies] == [1, 1]
    without = [name for name in NAMES if name not in (*copies[0][1:], *copies[1][1:])]
    if pixels is None:
        assert [[n for n in part if n in without] for part in split.folds] == split_folds(without, 3, 7)
    by_city = make_folds(samples, 3, 7, 'city', copies=[[NAMES[0], NAMES[-1]]])
    assert by_city.folds == split_folds(NAMES, 3, 7, 'city')


def test_a_fold_file_is_read_as_it_was_written(samples):
    split = make_folds(samples, 3, 7, 'city', pixels=np.ones((12, 2), int))
    write_split(split, 'folds.json')
    assert Folds(file='folds.json').split(samples) == split
    assert Folds(file='folds.json', num_folds=3, seed=7, group_by='city').split(samples[::-1]) == split


def test_a_table_of_groups_that_has_changed_is_named(samples):
    table = Path('groups.csv')
    table.write_text(''.join(f'{sample.name},{number // 2}\n' for number, sample in enumerate(samples)))
    write_split(make_folds(samples, 3, 7, group_by='groups.csv'), 'folds.json')
    folds = Folds('folds.json', group_by='groups.csv')
    assert folds.split(samples).num_folds == 3
    table.write_text(table.read_text().replace(',1\n', ',0\n'))
    with pytest.raises(FoldError, match=r'groups\.csv has changed since folds\.json was made'):
        folds.split(samples)


@pytest.mark.parametrize(
    ('folds', 'message'),
    [
        (dict(file='gone.json'), 'Fold file gone.json does not exist'),
        (dict(file='folds.json', num_folds=5), 'num_folds=3, not 5'),
        (dict(file='folds.json', group_by='city'), "group_by=None, not 'city'"),
        (dict(file='folds.json', holdout=0.1), 'holdout=0.0, not 0.1'),
        (dict(num_folds=13), 'use 2 to 12 folds'),
        (dict(holdout=1.5), 'holdout=1.5 is no share'),
        (dict(group_by='street'), "group_by='street' is unknown"),
        (dict(selection=0.1), "'selection' is unknown"),
        (dict(num_folds='5'), "num_folds='5'"),
    ],
)
def test_folds_that_do_not_fit_are_named(samples, folds, message):
    write_split(make_folds(samples, 3, 7), 'folds.json')
    with pytest.raises(FoldError, match=message):
        Folds.from_settings(folds).split(samples)


def make_folds_again(samples):
    return dataclasses.replace(make_folds(samples, 3, 7), fingerprint=read_split('folds.json').fingerprint)


def test_a_fold_file_of_other_data_is_refused(samples):
    write_split(make_folds(samples[1:], 3, 7), 'folds.json')
    with pytest.raises(FoldError, match=r'1 are new \(aachen/aachen_00\)'):
        read_folds('folds.json', samples)
    with pytest.raises(FoldError, match=r'2 of its images are gone \(köln/köln_02, köln/köln_03\)'):
        read_folds('folds.json', samples[1:-2])
    Path(samples[1].info['seg_map_path']).write_bytes(b'corrected')
    assert read_folds('folds.json', samples[1:]) == make_folds_again(samples[1:])
    Path(samples[1].info['img_path']).unlink()
    with pytest.raises(FoldError, match='1 images or labels'):
        read_folds('folds.json', samples[1:])


def test_more_parts_than_groups_are_refused(samples):
    with pytest.raises(FoldError, match='cannot be made of 3 groups'):
        make_folds(samples, 3, 7, 'city', holdout=0.1, pixels=np.ones((12, 2), int))


def nnunet(*val, train=None):
    """``splits_final.json`` of these val lists, each train list the rest."""
    every = list(chain(*val))
    lists = [{'train': train or [case for case in every if case not in part], 'val': part} for part in val]
    Path('splits_final.json').write_text(json.dumps(lists))
    return Folds(file='splits_final.json')


CASES = [name.rpartition('/')[2] for name in NAMES]


def test_splits_of_nnunet_are_read(samples):
    split = nnunet(CASES[:5], CASES[5:]).split(samples)
    assert split.folds == [NAMES[:5], NAMES[5:]] and split.not_trained == []
    assert split.names(1, validation=False) == NAMES[5:]
    channels = [Sample(0, n, f'{one.name}_0000', one.info) for n, one in enumerate(samples)]
    assert nnunet(NAMES[:5], NAMES[5:]).split(samples).folds == split.folds
    assert [len(part) for part in nnunet(CASES[:5], CASES[5:]).split(channels).folds] == [5, 7]


def test_a_train_list_of_nnunet_may_be_smaller_than_the_rest(samples):
    lists = [dict(train=CASES[6:8], val=CASES[:6]), dict(train=CASES[:6], val=CASES[6:])]
    Path('splits_final.json').write_text(json.dumps(lists))
    split = Folds(file='splits_final.json').split(samples)
    assert split.names(1, validation=False) == NAMES[6:8] and split.names(1, validation=True) == NAMES[:6]
    assert split.names(2, validation=False) == NAMES[:6]
    write_split(split, 'folds.json')
    assert Folds(file='folds.json').split(samples) == split


@pytest.mark.parametrize(
    ('lists', 'message'),
    [
        ((CASES[:5], CASES[4:]), r'1 images are in more than one val list \(bonn/bonn_00\)'),
        ((CASES[:5], CASES[6:]), r'1 images are in no val list \(bonn/bonn_01\)'),
        ((CASES[:5], [*CASES[5:], 'paris_00']), r'1 cases of its \w+ lists are no image .*\(paris_00\)'),
        ((CASES,), 'has 1 folds'),
    ],
)
def test_splits_of_nnunet_that_do_not_fit_are_named(samples, lists, message):
    with pytest.raises(FoldError, match=message):
        nnunet(*lists, train=CASES[:1] if len(lists) == 1 else None).split(samples)


def test_training_on_the_own_val_list_is_refused(samples):
    with pytest.raises(FoldError, match='fold 1 trains on 2 images of its own val list'):
        nnunet(CASES[:5], CASES[5:], train=CASES[3:]).split(samples)


@pytest.mark.parametrize('content', ['[[]]', '[{"train": ["a"]}]', '[{"train": [1], "val": ["a"]}]', '[]'])
def test_other_lists_are_not_taken_for_splits(samples, content):
    Path('splits_final.json').write_text(content)
    with pytest.raises(FoldError, match=r'splits_final.json'):
        Folds(file='splits_final.json').split(samples)


@few
@given(st.integers(2, 5), st.integers(0, 2**32 - 1), st.sampled_from([None, 'city']), st.sampled_from([0.0, 0.15]))
def test_stratified_folds_share_out_all_images_once(num_folds, seed, group_by, holdout):
    names = sorted(f'city{n % 13:02}/{n:03}' for n in range(60))
    samples = [Sample(0, n, name, dict(img_path=f's3://bucket/{name}.png')) for n, name in enumerate(names)]
    pixels = np.random.default_rng(seed).integers(0, 100, (60, 3))
    split, again = (make_folds(samples, num_folds, seed, group_by, None, holdout, pixels) for _ in range(2))
    parts = [part for part in (*split.folds, split.holdout_names) if part]
    assert split == again and len(split.folds) == num_folds and bool(split.holdout_names) == bool(holdout)
    assert sorted(chain(*parts)) == names
    sizes = [len(part) for part in split.folds]
    assert max(sizes) - min(sizes) <= (1 if group_by is None else 5)
    if group_by:
        assert sum(len({name[:6] for name in part}) for part in parts) == 13


def test_the_number_of_folds_is_that_of_the_file_that_is_there(tmp_path):
    assert num_folds_in(tmp_path / 'none.json') is None
    (tmp_path / 'splits_final.json').write_text(json.dumps([{'train': ['b'], 'val': ['a']}] * 3))
    assert num_folds_in(tmp_path / 'splits_final.json') == 3
    samples = [Sample(0, number, name, {}) for number, name in enumerate('abcd')]
    write_split(make_folds(samples, 2, 42), tmp_path / 'folds.json')
    assert num_folds_in(tmp_path / 'folds.json') == 2
