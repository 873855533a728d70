import numpy as np
import pytest

from mmseg_custom.datasets.transforms.base import ImageAugmentation, checked_range, contiguous


class Invert(ImageAugmentation):
    def sample(self, shape):
        return {'by': np.random.randint(1, 3)}

    def augment_image(self, img, by):
        return 255 - img


class Turn(Invert):
    def augment_label(self, label, by):
        return label + np.uint8(by)


def test_every_label_gets_what_the_image_got(sample):
    results = sample()
    results['second'] = results['gt_seg_map'] // 2
    results['seg_fields'].append('second')
    second = results['second']
    np.random.seed(0)
    results = Turn(1.0)(results)
    by = results['gt_seg_map'] - sample()['gt_seg_map']
    assert np.unique(by).size == 1 and by[0, 0] in (1, 2)
    np.testing.assert_array_equal(results['second'] - second, by)


def test_acts_as_often_as_prob_says(sample):
    np.random.seed(0)
    before = sample()['img']
    acted = [(Invert(0.3)(sample())['img'] != before).any() for _ in range(400)]
    assert 0.23 < np.mean(acted) < 0.37


def test_sample_without_label_passes(sample):
    img = sample()['img']
    np.testing.assert_array_equal(Invert(1.0)({'img': img})['img'], 255 - img)


@pytest.mark.parametrize('prob', [-0.1, 1.5, float('nan')])
def test_refuses_prob(prob):
    with pytest.raises(ValueError, match=rf'Invert: prob={prob}'):
        Invert(prob)


@pytest.mark.parametrize('img', [np.zeros((4, 4, 3), np.float32), np.zeros((4, 4), np.uint8)])
def test_refuses_other_images(img):
    with pytest.raises(TypeError, match='before any normalisation'):
        Invert(1.0)({'img': img})


def test_contiguous_copies_a_mirrored_view(sample):
    img = sample()['img']
    for view in (img[:, ::-1], img[::-1], img[:, :, ::-1], img[2:9, 3:8]):
        np.testing.assert_array_equal(contiguous(view), view)
        assert contiguous(view).flags.c_contiguous
    assert contiguous(img) is img


@pytest.mark.parametrize('values', [(1.2, 0.8), (-0.1, 1.0), (1.0,), (0.1, 0.2, 0.3)])
def test_refuses_range(values):
    with pytest.raises(ValueError, match='radius='):
        checked_range('radius', values)
    assert checked_range('radius', [1, 2]) == (1.0, 2.0)


def test_repr_shows_the_arguments():
    assert repr(Invert(0.25)) == 'Invert(prob=0.25)'
