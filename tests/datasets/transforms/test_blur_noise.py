import numpy as np
import pytest
from PIL import Image, ImageEnhance

from mmseg_custom.datasets.transforms import RandomGaussianBlur, RandomGaussianNoise, RandomSharpness
from mmseg_custom.datasets.transforms.blur_noise import normal_table


def test_blur_spreads_a_point_by_its_radius():
    img = np.zeros((31, 31, 3), np.uint8)
    img[15, 15] = 255
    blurred = RandomGaussianBlur(1.0).augment_image(img, radius=1.0)
    # 255 / (2 pi) in the middle, exp(-1/2) of it beside.
    assert np.abs(blurred[15, 14:17, 0] - np.array([24.6, 40.6, 24.6])).max() < 1.5
    assert blurred[15, 19:].max() == 0
    unchanged = RandomGaussianBlur(1.0).augment_image(img, radius=0.1)
    np.testing.assert_array_equal(unchanged, img)


def test_blur_leaves_a_bright_border_bright():
    img = np.full((20, 30, 3), 250, np.uint8)
    assert RandomGaussianBlur(1.0).augment_image(img, radius=1.0).min() == 250
    assert RandomSharpness(1.0).augment_image(img, factor=2.0).min() == 250


@pytest.mark.parametrize('factor', [0.0, 1.0, 1.5, 2.0])
def test_sharpness_is_that_of_pil(factor, sample):
    img = sample()['img']
    ours = RandomSharpness(1.0).augment_image(img, factor=factor)
    pil = ImageEnhance.Sharpness(Image.fromarray(img)).enhance(factor)
    inner = np.s_[1:-1, 1:-1]
    assert np.abs(ours[inner].astype(int) - np.asarray(pil)[inner].astype(int)).max() <= 2


def test_noise_is_normal_and_independent_per_channel():
    np.random.seed(0)
    img = np.full((200, 200, 3), 128, np.uint8)
    noise = RandomGaussianNoise(1.0, sigma=5.0)({'img': img})['img'].astype(float) - 128
    assert abs(noise.mean()) < 0.06 and abs(noise.std() - 5) < 0.06
    assert abs((noise**4).mean() / noise.std() ** 4 - 3) < 0.06
    channels = np.corrcoef(noise.reshape(-1, 3).T)
    neighbours = np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())
    assert np.abs(channels - np.eye(3)).max() < 0.02 and abs(neighbours[0, 1]) < 0.02


def test_noise_is_clipped_not_wrapped():
    np.random.seed(0)
    noise = RandomGaussianNoise(1.0, sigma=5.0)
    assert noise({'img': np.full((40, 40, 3), 255, np.uint8)})['img'].min() > 220
    assert noise({'img': np.zeros((40, 40, 3), np.uint8)})['img'].max() < 35


def test_normal_table_by_hand():
    table = normal_table(5.0)
    assert table.size == 65536 and table.dtype == np.int8 and (np.diff(table) >= 0).all()
    # P(|x| < 0.5) = 0.07966 for sigma 5.
    assert abs((table == 0).mean() - 0.07966) < 1e-4 and abs((table == 5).mean() - 0.04839) < 1e-4


@pytest.mark.parametrize('sigma', [0.0, -1.0, 31.0])
def test_refuses_sigma(sigma):
    with pytest.raises(ValueError, match=f'sigma={sigma}'):
        RandomGaussianNoise(sigma=sigma)
    with pytest.raises(ValueError, match='radius='):
        RandomGaussianBlur(radius=(0.0, 1.0))
