from pathlib import Path

import mmseg.datasets.transforms  # noqa: F401
import numpy as np
import pytest
from mmengine.config import Config
from mmseg.registry import TRANSFORMS

import mmseg_custom.datasets.transforms
from mmseg_custom.datasets.transforms import ImageAugmentation

LEVELS = Config.fromfile(Path(__file__).parents[3] / 'configs/_base_/augmentations.py')
ADVANCED = [dict(spec) for spec in LEVELS.advanced]
IMAGE_ONLY = [s for s in ADVANCED if s['type'] not in {'RandomFlip', 'RandomUpscaleCrop', 'RandomElastic'}]
OURS = [spec for spec in ADVANCED if spec['type'] != 'RandomFlip']


def run(specs, results, seed):
    np.random.seed(seed)
    for spec in specs:
        results = TRANSFORMS.build(dict(spec))(results)
    return results


def name(spec):
    return spec['type']


def test_levels_are_those_of_the_recipe():
    assert LEVELS.none == []
    assert [(s['type'], s['prob']) for s in ADVANCED] == [
        ('RandomFlip', 0.5),
        ('RandomColorJitter', 0.5),
        ('RandomGaussianBlur', 0.3),
        ('RandomGamma', 0.25),
        ('RandomUpscaleCrop', 0.5),
        ('RandomColorJitter', 0.15),
        ('RandomChannelShuffle', 0.1),
        ('RandomGray', 0.1),
        ('RandomGaussianBlur', 0.15),
        ('RandomSharpness', 0.1),
        ('RandomColorBalance', 0.1),
        ('RandomGaussianNoise', 0.1),
        ('RandomElastic', 0.1),
        ('RandomColorMixup', 0.05),
    ]
    assert ADVANCED[:5] == [dict(spec) for spec in LEVELS.standard]


def test_ranges_are_those_of_the_recipe():
    jitter = dict.fromkeys(('brightness', 'contrast', 'saturation'), (0.7, 1.3)) | {'hue': (-0.1, 0.1)}
    expected = [
        {'direction': 'horizontal'},
        dict.fromkeys(('brightness', 'contrast', 'saturation'), (0.8, 1.2)),
        {'radius': (0.1, 1.0)},
        {'gamma': (0.7, 1.3)},
        {'factor': (1.0, 1.2), 'random_place': 0.4},
        jitter,
        {},
        {},
        {'radius': (0.1, 1.0)},
        {'factor': (1.0, 2.0)},
        {'factor': (0.8, 1.2)},
        {'sigma': 5.0},
        {'alpha': (10.0, 30.0), 'sigma': (3.0, 7.0)},
        {'ratio': (0.6, 0.8)} | jitter,
    ]
    assert [{k: v for k, v in s.items() if k not in {'type', 'prob'}} for s in ADVANCED] == expected


@pytest.mark.parametrize('level', ['none', 'standard', 'advanced'])
def test_level_is_a_function_of_the_seed(level, sample):
    specs, before = LEVELS[level], sample()
    images = []
    for seed in range(8):
        first, again = run(specs, sample(), seed), run(specs, sample(), seed)
        for key, dtype in (('img', np.uint8), ('gt_seg_map', np.uint8)):
            np.testing.assert_array_equal(first[key], again[key])
            assert first[key].dtype == dtype and first[key].shape == before[key].shape
        assert set(np.unique(first['gt_seg_map'])) <= set(np.unique(before['gt_seg_map']))
        images.append(first['img'].tobytes())
    assert len(set(images)) == (1 if level == 'none' else 8)


@pytest.mark.parametrize('spec', OURS, ids=name)
def test_acts_with_probability_one_and_never_with_zero(spec, sample):
    before = sample()['img']
    np.testing.assert_array_equal(run([spec | {'prob': 0.0}], sample(), 0)['img'], before)
    changed = [(run([spec | {'prob': 1.0}], sample(), seed)['img'] != before).any() for seed in range(20)]
    assert np.mean(changed) > 0.6


@pytest.mark.parametrize('spec', OURS, ids=name)
def test_seed_decides_and_arrays_of_the_caller_are_left_alone(spec, sample):
    spec = spec | {'prob': 1.0}
    given = sample()
    img, label = given['img'], given['gt_seg_map']
    result = run([spec], given, 5)
    np.testing.assert_array_equal(img, sample()['img'])
    np.testing.assert_array_equal(label, sample()['gt_seg_map'])
    assert not np.shares_memory(result['img'], img) and result['img'].flags.c_contiguous
    assert result['gt_seg_map'].flags.c_contiguous
    np.testing.assert_array_equal(result['img'], run([spec], sample(), 5)['img'])
    if spec['type'] != 'RandomGray':
        assert len({run([spec], sample(), seed)['img'].tobytes() for seed in range(6)}) > 1


@pytest.mark.parametrize('spec', IMAGE_ONLY, ids=name)
def test_image_only_ones_never_touch_the_label(spec, sample):
    given = sample()
    label = given['gt_seg_map']
    for seed in range(3):
        assert run([spec | {'prob': 1.0}], given, seed)['gt_seg_map'] is label
    np.testing.assert_array_equal(label, sample()['gt_seg_map'])


@pytest.mark.parametrize('spec', OURS, ids=name)
def test_mirrored_view_of_mmsegmentation_gives_the_same_as_its_copy(spec, sample):
    view, copy = sample(), sample()
    view['img'] = view['img'][:, ::-1]
    copy['img'] = np.ascontiguousarray(copy['img'][:, ::-1])
    spec = spec | {'prob': 1.0}
    np.testing.assert_array_equal(run([spec], view, 1)['img'], run([spec], copy, 1)['img'])


def test_names_and_arguments_are_ours():
    for spec in OURS:
        augmentation = TRANSFORMS.build(spec)
        assert isinstance(augmentation, ImageAugmentation)
        for key, value in spec.items():
            assert key == 'type' or f'{key}={value}' in repr(augmentation)
        assert spec['type'] in mmseg_custom.datasets.transforms.__all__
