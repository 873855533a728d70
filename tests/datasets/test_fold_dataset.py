"""Folds of MMSegmentation's own data sets: the same classes, wrappers and samples, only fewer."""

import pickle
from itertools import chain

import numpy as np
import pytest
import torch
from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS
from mmseg.utils import register_all_modules
from user_data import write_pairs

from mmseg_custom.datasets import FoldDataset, FoldError, SampleKey, SeededDataset
from mmseg_custom.datasets.folds.leaves import build_leaves, leaf_settings, list_samples

TRAIN = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'), dict(type='RandomFlip', prob=0.5)]
TRAIN += [dict(type='PackSegInputs')]
VAL = [dict(type='LoadImageFromFile'), dict(type='Resize', scale=(4, 3)), dict(type='LoadAnnotations')]
VAL += [dict(type='PackSegInputs')]
NAMES = [f'a{n:02}' for n in range(10)]


@pytest.fixture(autouse=True)
def _registered():
    register_all_modules()


@pytest.fixture
def leaf(in_tmp_path):
    """Ten images of 8 x 6 whose first pixels differ, in a data set class of MMSegmentation."""
    write_pairs('train', NAMES, ids=(1, 2))
    return stock('train')


@pytest.fixture
def in_tmp_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def stock(folder, **changes):
    prefix = dict(img_path=f'images/{folder}', seg_map_path=f'labels/{folder}')
    # MMEngine collects garbage for every data set that it serializes, which takes half a second.
    kind = dict(type='ADE20KDataset', img_suffix='.png', reduce_zero_label=True, serialize_data=False)
    return {**kind, 'data_root': 'data', 'data_prefix': prefix, 'pipeline': TRAIN, **changes}


def repeat(dataset, times=3):
    return dict(type='RepeatDataset', times=times, dataset=dataset)


def fold(dataset, k, part='train', **folds):
    pipeline = {} if part == 'train' else {'pipeline': VAL}
    return FoldDataset(dataset, folds={'num_folds': 3, **folds}, fold=k, part=part, **pipeline)


def first_pixels(dataset):
    return [int(dataset[index]['inputs'][0, 0, 0]) for index in range(len(dataset))]


def label_of(sample):
    return sample['data_samples'].gt_sem_seg.data


def second(dataset):
    write_pairs('more', ['b0', 'b1', 'b2'], ids=(2, 1))
    return dict(type='ConcatDataset', datasets=[repeat(dataset), stock('more')])


WRAPPED = {
    'none': lambda leaf: leaf,
    'lazy and serialized': lambda leaf: {**leaf, 'lazy_init': True, 'serialize_data': True},
    'cut already': lambda leaf: {**leaf, 'indices': [7, 1, 3, 5, 9, 0]},
    'repeated': repeat,
    'concatenated': second,
    'mixed': lambda leaf: dict(
        type='MultiImageMixDataset',
        dataset=dict(type='ConcatDataset', datasets=[leaf]),
        pipeline=[dict(type='RandomFlip', prob=0.0)],
    ),
    'seeded': lambda leaf: dict(type='SeededDataset', dataset=repeat(leaf)),
}


@pytest.mark.parametrize('wrap', WRAPPED.values(), ids=WRAPPED)
def test_every_image_is_held_out_once_and_trained_on_by_all_other_folds(leaf, wrap):
    dataset = wrap(leaf)
    names = {sample.name for sample in list_samples(build_leaves(dataset))}
    held_out = [fold(dataset, k, 'val').names for k in (1, 2, 3)]
    assert sorted(chain(*held_out)) == sorted(names)
    for k, out in enumerate(held_out, start=1):
        assert set(fold(dataset, k).names) == names - set(out)


def test_wrappers_stand_around_what_is_left_and_not_around_what_is_held_out(leaf):
    train, val = fold(repeat(leaf), 1), fold(repeat(leaf), 1, 'val')
    assert (len(train), type(train.dataset).__name__) == (3 * 6, 'RepeatDataset')
    assert (len(val), type(val.dataset).__name__) == (4, 'ADE20KDataset')
    assert first_pixels(train) == 3 * [10 + NAMES.index(name) for name in train.names]
    assert first_pixels(val) == [10 + NAMES.index(name) for name in val.names]


def test_held_out_images_of_several_data_sets_come_one_after_another(leaf):
    val = fold(second(leaf), 2, 'val')
    paths = [val.get_data_info(index)['img_path'] for index in range(len(val))]
    assert [path.split('images/')[1].removesuffix('.png') for path in paths] == val.names
    assert {name.partition('/')[0] for name in val.names} == {'train', 'more'}


def test_samples_are_those_of_the_data_set_itself(leaf):
    whole, train, val = DATASETS.build(leaf), fold(leaf, 1), fold(leaf, 1, 'val')
    scored = DATASETS.build({**leaf, 'pipeline': VAL, 'test_mode': True})
    for index, name in enumerate(train.names):
        np.random.seed(index)
        mine = train[index]
        np.random.seed(index)
        other = whole[NAMES.index(name)]
        assert mine.keys() == other.keys() and torch.equal(mine['inputs'], other['inputs'])
        assert torch.equal(label_of(mine), label_of(other))
        assert mine['data_samples'].metainfo_keys() == other['data_samples'].metainfo_keys()
    for index, name in enumerate(val.names):
        mine, other = val[index], scored[NAMES.index(name)]
        assert torch.equal(mine['inputs'], other['inputs']) and mine['inputs'].shape == (3, 3, 4)
        assert label_of(mine).unique().tolist() == [0, 1]  # Stored as 1 and 2, 0 being void.
    assert val.metainfo == whole.metainfo and val.test_mode and not train.test_mode


def test_test_mode_does_not_change_which_images_there_are(leaf):
    @DATASETS.register_module(name='FewerInTraining', force=True)
    class FewerInTraining(BaseSegDataset):
        METAINFO = dict(classes=('wall', 'sky'))

        def filter_data(self):
            return self.data_list if self.test_mode else self.data_list[2:]

    leaf = {**leaf, 'type': 'FewerInTraining'}
    held_out = [name for k in (1, 2, 3) for name in fold(leaf, k, 'val').names]
    assert sorted(held_out) == NAMES[2:]


def test_a_sample_is_a_function_of_its_key(leaf):
    dataset = SeededDataset(dict(type='FoldDataset', dataset=repeat(leaf), folds=dict(num_folds=3), fold=1))
    first, again = ([label_of(dataset[SampleKey(1, 0, index)]) for index in range(18)] for _ in range(2))
    assert all(map(torch.equal, first, again))
    assert any(not torch.equal(first[index], first[index + 6]) for index in range(6))


def test_a_data_loader_worker_gets_it(leaf):
    val = pickle.loads(pickle.dumps(fold(leaf, 1, 'val')))
    assert len(val) == 4 and val[0]['inputs'].shape == (3, 3, 4)


def test_an_image_in_two_lists_is_in_one_fold_and_held_out_once(leaf):
    dataset = dict(
        type='ConcatDataset', datasets=[leaf, {**leaf, 'data_root': './data/../data', 'indices': [0, 1, 2]}]
    )
    held_out = [name for k in (1, 2, 3) for name in fold(dataset, k, 'val').names]
    assert sorted(held_out) == NAMES
    for k in (1, 2, 3):
        assert not set(fold(dataset, k).names) & set(fold(dataset, k, 'val').names)


def test_a_holdout_is_in_no_fold(leaf):
    parts = [fold(leaf, k, 'val', holdout=0.2).names for k in (1, 2, 3)]
    out = FoldDataset(leaf, dict(num_folds=3, holdout=0.2), part='holdout', pipeline=VAL)
    assert len(out) == 2 and sorted(chain(out.names, *parts)) == NAMES
    everything = FoldDataset(leaf, dict(num_folds=3, holdout=0.2))
    assert set(everything.names) == set(NAMES) - set(out.names)


def test_a_balanced_data_set_asks_the_classes_of_what_is_left(leaf):
    @DATASETS.register_module(name='WithClasses', force=True)
    class WithClasses(BaseSegDataset):
        METAINFO = dict(classes=('wall', 'sky'))

        def get_cat_ids(self, idx):
            return [int(self.get_data_info(idx)['img_path'][-5]) % 5]

    balanced = dict(type='ClassBalancedDataset', oversample_thr=0.2, dataset={**leaf, 'type': 'WithClasses'})
    for k in (1, 2, 3):  # A class of one image of 6 or 7 is shown twice, one of two images once.
        train = fold(balanced, k)
        classes = [int(name[-1]) % 5 for name in train.names]
        assert len(train) == len(classes) + sum(classes.count(kind) == 1 for kind in range(5))
        assert sorted({train.get_data_info(n)['img_path'][-7:-4] for n in range(len(train))}) == train.names


def test_settings_below_wrappers_come_in_the_order_of_the_config():
    settings = dict(datasets=[repeat(dict(type='A')), dict(type='B'), dict(datasets=[dict(type='C')])])
    assert [leaf['type'] for leaf in leaf_settings(settings)] == ['A', 'B', 'C']


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(data_prefix=dict(img_path='nowhere')), "data_prefix={'img_path': 'nowhere'}"),
        (dict(img_suffix='.tif'), r'\(there is no image\)\. Check data_root=.*img_suffix\.$'),
        (dict(type='NoSuchDataset'), r'NoSuchDataset is not in .*\)\. Name the module .* misspelt\.$'),
        (dict(img_sufix='.png'), r"unexpected keyword argument 'img_sufix'\)\. Take that setting out .* misspelt\.$"),
        (dict(type='Unread'), r'dsdl is not installed\. Please .*\)\. Install the package that is missing\.$'),
        (dict(type='Broken'), 'RuntimeError: no driver'),
        (dict(data_prefix=dict(img_path='images/train', seg_map_path='labels/gone')), '10 images or labels'),
    ],
)
def test_what_cannot_be_built_is_named(leaf, changes, message):
    @DATASETS.register_module(name='Broken', force=True)
    class Broken(BaseSegDataset):
        def __init__(self, **kwargs):
            raise RuntimeError('no driver')

    @DATASETS.register_module(name='Unread', force=True)
    class Unread(BaseSegDataset):
        def __init__(self, **kwargs):
            raise RuntimeError('Package dsdl is not installed. Please run "pip install dsdl".')

    with pytest.raises(FoldError, match=message):
        fold({**leaf, **changes}, 1)


def test_a_class_with_a_pipeline_of_its_own_is_scored_through_that_of_val(leaf):
    @DATASETS.register_module(name='OwnPipeline', force=True)
    class OwnPipeline(BaseSegDataset):
        METAINFO = dict(classes=('wall', 'sky'))

        def __init__(self, data_root, data_prefix):
            super().__init__(data_root=data_root, data_prefix=data_prefix, img_suffix='.png', pipeline=TRAIN)

    own = dict(type='OwnPipeline', data_root=leaf['data_root'], data_prefix=leaf['data_prefix'])
    assert fold(own, 1)[0]['inputs'].shape == (3, 6, 8) and fold(own, 1, 'val')[0]['inputs'].shape == (3, 3, 4)


def test_a_fold_of_a_fold_is_refused(leaf):
    with pytest.raises(FoldError, match='one fold already'):
        fold(repeat(dict(type='FoldDataset', dataset=leaf, folds=dict(num_folds=3), fold=1)), 1)


def test_what_cannot_be_cut_is_named(leaf):
    @DATASETS.register_module(name='Uncut', force=True)
    class Uncut(BaseSegDataset):
        METAINFO = dict(classes=('wall', 'sky'))

        def get_subset_(self, indices):
            pass

    with pytest.raises(FoldError, match='left 10 samples of 6 asked for'):
        fold({**leaf, 'type': 'Uncut'}, 1)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(part='test', fold=1, pipeline=VAL), "part='test'"),
        (dict(part='val', pipeline=VAL), 'of fold None'),
        (dict(part='val', fold=1), 'that of val_dataloader'),
        (dict(part='holdout', pipeline=VAL), "'holdout' of fold None has no image"),
        (dict(fold=4), 'Fold 4 does not exist'),
    ],
)
def test_parts_that_cannot_be_are_named(leaf, arguments, message):
    with pytest.raises(FoldError, match=message):
        FoldDataset(leaf, dict(num_folds=3), **arguments)
