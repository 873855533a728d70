"""Images and regions that are not trained on: what the data set gives, and that no label file changes."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmseg.utils import register_all_modules
from user_data import write_pairs

from mmseg_custom.datasets import FoldDataset, FoldError
from mmseg_custom.datasets.fix_list import FixList, FixListError, Region, read_fix_list, write_fix_list
from mmseg_custom.datasets.folds.fixed_labels import void_regions
from mmseg_custom.io.files import write_json

LOAD = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')]
PACK = [dict(type='PackSegInputs')]
NAMES = [f'a{n:02}' for n in range(6)]
CORNER = np.zeros((6, 8), bool)
CORNER[4:, 5:] = True


@pytest.fixture(autouse=True)
def _pairs(tmp_path, monkeypatch):
    register_all_modules()
    monkeypatch.chdir(tmp_path)
    write_pairs('train', NAMES, ids=(1, 2))


def stock(pipeline=(*LOAD, *PACK), **changes):
    prefix = dict(img_path='images/train', seg_map_path='labels/train')
    kind = dict(type='ADE20KDataset', img_suffix='.png', reduce_zero_label=True, serialize_data=False)
    return {**kind, 'data_root': 'data', 'data_prefix': prefix, 'pipeline': list(pipeline), **changes}


def write(leave_out=(), void=()):
    write_fix_list(FixList(list(leave_out), [Region.of(name, CORNER, 'key') for name in void]), 'fix.json')
    return 'fix.json'


def names(dataset):
    return [Path(dataset.get_data_info(at)['img_path']).stem for at in range(len(dataset))]


def labels(dataset):
    stems = names(dataset)
    return {stems[at]: dataset[at]['data_samples'].gt_sem_seg.data.numpy()[0] for at in range(len(dataset))}


def test_the_code_of_a_region_counts_down_the_columns():
    assert Region.of('a', np.array([[0, 1], [1, 1]], bool)).counts == [1, 3]
    assert Region.of('a', np.array([[1, 0], [0, 0]], bool)).counts == [0, 1, 3]
    assert (Region('a', [2, 2], [2, 1, 1]).mask((4, 4)) == np.kron([[0, 1], [0, 0]], np.ones((2, 2)))).all()


@settings(max_examples=25, derandomize=True, deadline=None, database=None)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_a_region_is_read_as_it_was_written(height, width, seed):
    mask = np.random.default_rng(seed).random((height, width)) < 0.5
    region = Region.of('a', mask)
    assert (region.mask(mask.shape) == mask).all() and sum(region.counts) == mask.size


def test_training_voids_regions_and_leaves_images_out_and_no_label_file_changes():
    before = {path: path.read_bytes() for path in Path('data').rglob('*.png')}
    plain = labels(FoldDataset(stock(), dict(num_folds=2)))
    fixed = labels(FoldDataset(stock(), dict(num_folds=2), fix_list=write(leave_out=['a01'], void=['a03'])))
    assert fixed.keys() == plain.keys() - {'a01'} and len(plain) == 6
    assert (fixed['a03'] == np.where(CORNER, 255, plain['a03'])).all() and (plain['a03'] != 255).all()
    assert all((fixed[name] == plain[name]).all() for name in fixed if name != 'a03')
    assert len(before) == 12 and all(path.read_bytes() == content for path, content in before.items())


def test_regions_follow_the_label_through_what_comes_behind():
    flipped = stock([*LOAD, dict(type='RandomFlip', prob=1.0, direction='horizontal'), *PACK])
    given = labels(FoldDataset(flipped, fix_list=write(void=['a00'])))['a00']
    assert ((given == 255) == CORNER[:, ::-1]).all()
    half = stock([*LOAD, dict(type='Resize', scale=(4, 3)), *PACK])
    given = labels(FoldDataset(half, fix_list=write(void=['a00'])))['a00']
    assert given.shape == (3, 4) and (given[2, 3], given[0, 0]) == (255, 0)


def test_wrappers_and_folds_stay_what_they_are():
    repeated = dict(type='RepeatDataset', times=2, dataset=stock())
    fix_list = write(leave_out=['a02'])
    folds = [FoldDataset(repeated, dict(num_folds=2), k, fix_list=fix_list) for k in (1, 2)]
    held_out = [FoldDataset(repeated, dict(num_folds=2), k, 'val', [*LOAD, *PACK]) for k in (1, 2)]
    assert sorted(name for one in held_out for name in names(one)) == NAMES
    assert sorted(len(one) for one in folds) == [4, 6] and all('a02' not in one.names for one in folds)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ({'verdicts': {'k': 'wrong'}}, 'holds verdicts.*--verdicts fix.json` makes a fix list'),
        ([], 'is no fix list'),
        ({'version': 2, 'leave_out': [], 'void': []}, 'version 2, not 1'),
        ({'version': 1, 'leave_out': [3], 'void': []}, 'named by a text'),
        ({'version': 1, 'leave_out': [], 'void': [{'image': 'a', 'size': [2, 2], 'counts': [3]}]}, 'as many pixels'),
        ({'version': 1, 'leave_out': [], 'void': [{'image': 'a', 'size': [2, 2], 'counts': ['4']}]}, 'whole numbers'),
        ({'version': 1, 'leave_out': [], 'void': [{'image': 'a'}]}, 'is no fix list'),
        ({'version': 1, 'leave_out': ['b99'], 'void': []}, r'1 of its images are not among.*\(b99\)'),
    ],
)
def test_lists_that_cannot_be_meant_are_refused(content, message):
    write_json(content, 'fix.json')
    with pytest.raises(FixListError, match=message):
        FoldDataset(stock(), dict(num_folds=2), fix_list='fix.json')


def test_where_a_list_makes_no_sense_it_is_refused():
    with pytest.raises(FixListError, match=r'gone\.json does not exist'):
        read_fix_list('gone.json')
    with pytest.raises(FixListError, match='is for what is trained on'):
        FoldDataset(stock(), dict(num_folds=2), 1, 'val', [*LOAD, *PACK], fix_list=write(leave_out=['a02']))
    with pytest.raises(FixListError, match='has no LoadAnnotations'):
        FoldDataset(stock([LOAD[0], *PACK]), fix_list=write(void=['a02']))
    with pytest.raises(FoldError, match=r'say by folds=dict'):
        FoldDataset(stock(), fold=1)


def test_a_voided_label_is_a_copy():
    label = np.zeros((6, 8), np.uint8)
    assert (void_regions(label, [Region.of('a', CORNER)]) == np.where(CORNER, 255, 0)).all() and not label.any()
