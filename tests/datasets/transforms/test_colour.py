import colorsys

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from mmseg_custom.datasets.transforms import RandomColorJitter, RandomColorMixup, RandomGamma
from mmseg_custom.datasets.transforms import colour as c

RED = np.full((2, 3, 3), (0, 0, 200), np.uint8)


def assert_close(bgr, pil, tolerance=2):
    assert np.abs(bgr[..., ::-1].astype(int) - np.asarray(pil).astype(int)).max() <= tolerance


@pytest.mark.parametrize('factor', [0.0, 0.7, 1.0, 1.3])
@pytest.mark.parametrize(
    ('ours', 'pil'),
    [
        (c.adjust_brightness, ImageEnhance.Brightness),
        (c.adjust_contrast, ImageEnhance.Contrast),
        (c.adjust_saturation, ImageEnhance.Color),
    ],
)
def test_adjustments_are_those_of_pil(ours, pil, factor, sample):
    img = sample()['img']
    rgb = Image.fromarray(np.ascontiguousarray(img[..., ::-1]))
    assert_close(ours(img, factor), pil(rgb).enhance(factor))
    if factor == 1:
        np.testing.assert_array_equal(ours(img, factor), img)


def test_adjustments_by_hand():
    img = np.array([[[10, 100, 200], [30, 30, 30]]], np.uint8)
    assert c.adjust_brightness(img, 1.3)[0].tolist() == [[13, 130, 255], [39, 39, 39]]
    # Grey values 119.64 and 30, mean 74.82: 0.5 * (10 + 74.82) = 42.41 and so on.
    assert c.adjust_contrast(img, 0.5)[0].tolist() == [[42, 87, 137], [52, 52, 52]]
    # 0.5 * (10 + 119.64) = 64.82 and so on; a grey pixel stays.
    assert np.abs(c.adjust_saturation(img, 0.5)[0].astype(int) - [[65, 110, 160], [30, 30, 30]]).max() <= 1


@pytest.mark.parametrize(
    ('shift', 'bgr'), [(0.0, (0, 0, 200)), (1 / 3, (0, 200, 0)), (-1 / 3, (200, 0, 0)), (0.5, (200, 200, 0))]
)
def test_hue_turns_red_the_way_of_the_circle(shift, bgr):
    assert np.abs(c.adjust_hue(RED, shift)[0, 0].astype(int) - bgr).max() <= 3


def test_hue_agrees_with_colorsys(sample):
    img = sample()['img'][::9, ::9]
    turned = c.adjust_hue(img, -0.1)
    for before, after in zip(img.reshape(-1, 3), turned.reshape(-1, 3), strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*before[::-1] / 255)
        expected = np.array(colorsys.hsv_to_rgb((hue - 0.1) % 1, saturation, value)) * 255
        assert np.abs(after[::-1] - expected).max() < 6


def test_jitter_draws_within_its_ranges_and_in_every_order():
    np.random.seed(0)
    jitter = RandomColorJitter(1.0, (0.8, 1.2), (0.5, 0.6), (2, 3), (-0.1, 0.1))
    drawn = [jitter.sample((1, 1)) for _ in range(200)]
    amounts = np.array([d['amounts'] for d in drawn])
    limits = np.array([(0.8, 1.2), (0.5, 0.6), (2, 3), (-0.1, 0.1)])
    assert (amounts >= limits[:, 0]).all() and (amounts <= limits[:, 1]).all()
    spread = (amounts.max(0) - amounts.min(0)) / (limits[:, 1] - limits[:, 0])
    assert (spread > 0.9).all()
    assert len({tuple(d['order']) for d in drawn}) == 24


def test_order_of_the_jitter_matters_and_is_kept():
    amounts = (2.0, 0.5, 1.0, 0.0)
    jitter = RandomColorJitter(1.0)
    bright = np.full((1, 1, 3), 200, np.uint8)
    dark_and_bright = np.concatenate([bright, 0 * bright], 1)
    # 0 and 200 -> 0 and 255, mean 127.5 -> 64 and 191; the other way 50 and 150 -> 100 and 300.
    first = jitter.augment_image(dark_and_bright, amounts, np.array([0, 1, 2, 3]))[0, :, 0]
    second = jitter.augment_image(dark_and_bright, amounts, np.array([1, 0, 2, 3]))[0, :, 0]
    assert np.abs(first.astype(int) - [191, 64]).max() <= 1
    assert second.tolist() == [255, 100]


def test_mixup_is_part_image_part_copy(sample):
    img = sample()['img']
    mixup = RandomColorMixup(1.0, ratio=(0.6, 0.8), brightness=(0.7, 1.3), hue=(-0.1, 0.1))
    np.random.seed(1)
    drawn = mixup.sample((1, 1))
    assert 0.6 <= drawn['ratio'] <= 0.8
    mixed = mixup.augment_image(img, **drawn)
    ratio = drawn.pop('ratio')
    copy = RandomColorJitter(1.0).augment_image(img, **drawn)
    assert (copy != img).any()
    assert np.abs(mixed - (ratio * img + (1 - ratio) * copy)).max() <= 0.51
    assert repr(mixup).startswith('RandomColorMixup(prob=1.0, brightness=(0.7, 1.3), ')


def test_gamma_by_hand():
    img = np.array([[[0, 64, 255], [128, 128, 128]]], np.uint8)
    # 255 * (64 / 255) ** 2 = 16.06 and 255 * (128 / 255) ** 2 = 64.25
    assert RandomGamma(1.0).augment_image(img, gamma=2.0)[0].tolist() == [[0, 16, 255], [64, 64, 64]]
    np.testing.assert_array_equal(RandomGamma(1.0).augment_image(img, gamma=1.0), img)
    np.random.seed(0)
    drawn = [RandomGamma().sample((1, 1))['gamma'] for _ in range(100)]
    assert 0.7 <= min(drawn) < 0.75 and 1.25 < max(drawn) <= 1.3


def test_refuses_ranges():
    with pytest.raises(ValueError, match='hue='):
        RandomColorJitter(0.5, hue=(-0.6, 0.1))
    with pytest.raises(ValueError, match='gamma='):
        RandomGamma(0.5, gamma=(1.3, 0.7))
    with pytest.raises(ValueError, match='ratio='):
        RandomColorMixup(0.5, ratio=(0.6, 1.1))
