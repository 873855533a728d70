import numpy as np
import pytest
from mmseg.datasets.transforms import Resize

from mmseg_custom.datasets.transforms import UseWorkingSize


def test_sets_the_original_shape_to_the_size_of_the_image(sample):
    results = Resize(scale=(20, 10), keep_ratio=False)(sample() | {'ori_shape': (45, 70)})
    assert UseWorkingSize()(results)['ori_shape'] == (10, 20)


def test_label_of_another_size_is_refused(sample):
    results = sample() | {'img': np.zeros((10, 20, 3), np.uint8), 'seg_map_path': 'x.png'}
    with pytest.raises(ValueError, match=r'x\.png: label of \(45, 70\).*LoadAnnotations before Resize'):
        UseWorkingSize()(results)


def test_sample_without_label_keeps_its_original_shape():
    results = {'img': np.zeros((10, 20, 3), np.uint8), 'ori_shape': (45, 70)}
    assert UseWorkingSize()(results)['ori_shape'] == (45, 70)


def test_brings_a_label_to_the_size_that_is_named(sample):
    results = sample() | {'img': np.zeros((10, 20, 3), np.uint8), 'ori_shape': (45, 70)}
    expected = Resize(scale=(35, 15), keep_ratio=False)(sample())['gt_seg_map']
    working = UseWorkingSize(scale=[35, 15])(results)
    assert working['ori_shape'] == (15, 35)
    assert np.array_equal(working['gt_seg_map'], expected)


def test_label_that_is_kept_may_have_another_size(sample):
    results = sample() | {'img': np.zeros((10, 20, 3), np.uint8), 'ori_shape': (45, 70)}
    working = UseWorkingSize(keep_label=True)(results)
    assert working['ori_shape'] == (10, 20)
    assert working['gt_seg_map'].shape == (45, 70)
