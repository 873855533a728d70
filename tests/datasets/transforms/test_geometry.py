import numpy as np
import pytest

from mmseg_custom.datasets.transforms import RandomElastic, RandomUpscaleCrop
from mmseg_custom.datasets.transforms.geometry import smooth_field

GEOMETRIC = [RandomUpscaleCrop(1.0), RandomElastic(1.0)]


def ramp(height=64, width=96):
    """An image whose blue is the column and whose green is the row of the pixel."""
    rows, columns = np.mgrid[:height, :width].astype(np.uint8)
    return np.stack([columns, rows, rows], -1)


@pytest.mark.parametrize('augmentation', GEOMETRIC, ids=lambda a: type(a).__name__)
def test_no_dark_pixel_and_no_new_id(augmentation, sample):
    for seed in range(10):
        np.random.seed(seed)
        results = sample(37, 53) | {'img': np.full((37, 53, 3), 250, np.uint8)}
        ids = set(np.unique(results['gt_seg_map']))
        results = augmentation(results)
        assert results['img'].min() >= 249
        assert results['img'].shape == (37, 53, 3) and results['gt_seg_map'].shape == (37, 53)
        assert results['gt_seg_map'].dtype == np.uint8
        assert set(np.unique(results['gt_seg_map'])) <= ids


@pytest.mark.parametrize('augmentation', GEOMETRIC, ids=lambda a: type(a).__name__)
def test_label_moves_with_the_image(augmentation):
    img = ramp()
    changed = 0
    for seed in range(10):
        np.random.seed(seed)
        for channel in (0, 1):
            results = augmentation({'img': img, 'seg': img[..., channel].copy(), 'seg_fields': ['seg']})
            gap = results['img'][..., channel].astype(int) - results['seg']
            assert np.abs(gap[4:-4, 4:-4]).max() <= 1 and abs(gap[4:-4, 4:-4].mean()) < 0.3
            changed += (results['img'] != img).any()
    assert changed > 15


def test_upscale_by_one_is_the_identity(sample):
    np.random.seed(0)
    before, after = sample(), RandomUpscaleCrop(1.0, factor=(1.0, 1.0))(sample())
    np.testing.assert_array_equal(after['img'], before['img'])
    np.testing.assert_array_equal(after['gt_seg_map'], before['gt_seg_map'])


def test_upscale_by_two_by_hand():
    img = np.repeat(np.arange(8, dtype=np.uint8)[None, :, None], 4, 0).repeat(3, 2) * 10
    np.random.seed(0)
    crop = RandomUpscaleCrop(1.0, factor=(2.0, 2.0), random_place=0.0)
    results = crop({'img': img, 'seg': img[..., 0] // 10, 'seg_fields': ['seg']})
    # Columns 2..5 stay; bilinear has quarters between their centres, and holds the edge.
    assert np.abs(results['img'][0, :, 0] - np.array([20, 22.5, 27.5, 32.5, 37.5, 42.5, 47.5, 50])).max() <= 0.5
    assert results['seg'][0].tolist() == [2, 2, 3, 3, 4, 4, 5, 5]


def test_upscale_draws_place_and_factor():
    np.random.seed(0)
    shape = (500, 1000)
    windows = [RandomUpscaleCrop(1.0).sample(shape)['window'] for _ in range(600)]
    tops = np.array([w[0].start / (shape[0] - (w[0].stop - w[0].start) or 1) for w in windows])
    kept = np.array([(w[0].stop - w[0].start, w[1].stop - w[1].start) for w in windows]) / shape
    assert 1 / 1.2 - 0.002 < kept.min() < 0.85 and 0.98 < kept.max() <= 1
    assert np.abs(kept[:, 0] - kept[:, 1]).max() < 0.003
    assert 0.34 < np.mean(np.abs(tops - 0.5) > 0.05) < 0.42  # 0.4 at random, a tenth of them near the centre
    assert all(w[i].start >= 0 and w[i].stop <= shape[i] for w in windows for i in (0, 1))


@pytest.mark.parametrize('sigma', [3.0, 5.0, 7.0])
def test_field_has_the_strength_of_blurred_noise(sigma):
    noise = np.random.RandomState(0).randint(-128, 128, (200, 200)).astype(np.int8)
    field = smooth_field(noise, sigma, (399, 400))
    assert field.shape == (399, 400) and field.dtype == np.float32
    # Uniform noise has the deviation 3 ** -0.5; a Gaussian blur divides it by 2 * sigma * pi ** 0.5.
    assert field.std() == pytest.approx(3**-0.5 / (2 * sigma * np.pi**0.5), rel=0.08)
    # The correlation of blurred white noise falls to exp(-1/4) at the distance sigma.
    step = round(sigma)
    assert np.corrcoef(field[:, step:].ravel(), field[:, :-step].ravel())[0, 1] == pytest.approx(0.78, abs=0.04)


def test_elastic_draws_a_displacement_of_alpha():
    np.random.seed(0)
    drawn = RandomElastic(1.0, alpha=(20, 20), sigma=(4, 4)).sample((150, 201))
    right, down = drawn['columns'] - np.arange(201), drawn['rows'] - np.arange(150)[:, None]
    for field in (right, down):
        assert field.std() == pytest.approx(0.163 * 20 / 4, rel=0.15)
    assert abs(np.corrcoef(right.ravel(), down.ravel())[0, 1]) < 0.2


def test_refuses_ranges():
    with pytest.raises(ValueError, match='factor='):
        RandomUpscaleCrop(factor=(0.9, 1.2))
    with pytest.raises(ValueError, match='random_place=2'):
        RandomUpscaleCrop(random_place=2)
    with pytest.raises(ValueError, match='sigma='):
        RandomElastic(sigma=(1.0, 7.0))
