import os
from pathlib import Path

import numpy as np
import pytest
from mmseg.registry import TRANSFORMS
from mmseg.utils import register_all_modules
from user_data import write, write_pairs

from mmseg_custom.datasets import label_counts
from mmseg_custom.datasets.folds.leaves import build_leaves, list_samples
from mmseg_custom.datasets.label_counts import OTHERS, count_labels
from mmseg_custom.datasets.label_reader import LabelError

LOAD = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'), dict(type='PackSegInputs')]


@pytest.fixture(autouse=True)
def _in_tmp_path(tmp_path, monkeypatch):
    register_all_modules()
    monkeypatch.chdir(tmp_path)
    write_pairs('train', ['a', 'b', 'c'], ids=(0, 1))
    write_pairs('train', ['d'], ids=(2, 255))


def settings(**changes):
    prefix = dict(img_path='images/train', seg_map_path='labels/train')
    own = dict(type='BaseSegDataset', data_root='data', data_prefix=prefix, img_suffix='.png', serialize_data=False)
    return {**own, 'metainfo': dict(classes=('x', 'y', 'z')), 'pipeline': LOAD, **changes}


def count(dataset, **options):
    leaves = build_leaves(dataset)
    return count_labels(leaves, list_samples(leaves), **options)[:, len(OTHERS) :].tolist()


@pytest.fixture
def read(monkeypatch):
    """The labels that were read."""
    names, own = [], label_counts._count
    monkeypatch.setattr(
        label_counts, '_count', lambda sample, readings: names.append(sample.name) or own(sample, readings=readings)
    )
    return names


def test_pixels_are_counted_as_training_reads_them():
    assert count(settings()) == [[24, 24, 0]] * 3 + [[0, 0, 24]]
    assert count(settings(reduce_zero_label=True)) == [[24, 0, 0]] * 3 + [[0, 24, 0]]
    ade = settings(type='ADE20KDataset', reduce_zero_label=False, metainfo=dict(classes=('sky', 'wall')))
    assert count(ade) == [[0, 24]] * 3 + [[24, 0]]  # Of ADE's classes wall is 0 and sky is 2.


def test_ids_are_mapped_where_the_pipeline_maps_them():
    mapped = dict(type='MapLabelIds', table={0: 1, 1: 0, 2: 2, 255: 255}, num_classes=3, ids='raw')
    assert count(settings(pipeline=[*LOAD[:2], mapped, LOAD[2]])) == [[24, 24, 0]] * 3 + [[0, 0, 24]]
    write_pairs('train', ['a'], ids=(0, 0))
    assert count(settings(pipeline=[*LOAD[:2], mapped, LOAD[2]]))[0] == [0, 48, 0]


def test_an_own_loader_is_used():
    @TRANSFORMS.register_module(name='LoadHalfAnnotations', force=True)
    class LoadHalfAnnotations:
        def __call__(self, results):
            return {**results, 'gt_seg_map': np.array([[0, 1, 2, 2, -1, 300]])}

    assert count(settings(pipeline=[dict(type='LoadHalfAnnotations')])) == [[1, 1, 2]] * 4


def test_a_pipeline_without_a_loader_is_read_by_that_of_mmsegmentation():
    assert count(settings(pipeline=[])) == [[24, 24, 0]] * 3 + [[0, 0, 24]]


def test_several_data_sets_and_processes_are_counted_in_order():
    both = dict(type='ConcatDataset', datasets=[settings(), settings(reduce_zero_label=True)])
    expected = [[24, 24, 0]] * 3 + [[0, 0, 24]] + [[24, 0, 0]] * 3 + [[0, 24, 0]]
    assert count(both) == count(both, workers=2) == expected


def test_labels_are_read_once_and_again_where_they_changed(read):
    first = count(settings(), cache='counts.npz')
    assert read == list('abcd')
    assert count(settings(), cache='counts.npz') == first and len(read) == 4
    write('data/labels/train/b.png', np.zeros((6, 8), np.uint8))
    os.utime('data/labels/train/b.png', (1, 1))
    assert count(settings(), cache='counts.npz')[1] == [48, 0, 0]
    assert read == list('abcdb')
    assert count(settings(reduce_zero_label=True), cache='counts.npz')[0] == [24, 0, 0]


def test_a_damaged_file_of_counts_is_made_anew(read):
    for content in (b'', b'PK nonsense', b'\x93NUMPY'):
        Path('counts.npz').write_bytes(content)
        assert count(settings(), cache='counts.npz')[3] == [0, 0, 24]
    assert len(read) == 12


def test_a_label_that_cannot_be_read_is_named_and_the_others_are_kept(read):
    Path('data/labels/train/c.png').write_bytes(b'no image')
    with pytest.raises(LabelError, match=r'c\.png cannot be read'):
        count(settings(), cache='counts.npz')
    write_pairs('train', ['c'])
    assert count(settings(), cache='counts.npz')[2] == [24, 24, 0]
    assert read == list('abc') + list('cd')


def test_images_without_labels_are_refused():
    with pytest.raises(LabelError, match='seg_map_path'):
        count(settings(data_prefix=dict(img_path='images/train')))


def test_the_log_says_how_far_it_is(monkeypatch):
    said = []
    times = iter([0.0, 5.0, 12.0, 13.0, 24.0])
    monkeypatch.setattr(label_counts, 'monotonic', lambda: next(times))
    monkeypatch.setattr(label_counts, 'print_log', lambda text, logger: said.append(text))
    progress = label_counts.LogProgress()
    for done in (50, 100, 150, 200):
        progress(done, 1000)
    assert said == [
        '100 of 1000 labels read, about 1.8 minutes left',
        '200 of 1000 labels read, about 1.6 minutes left',
    ]
