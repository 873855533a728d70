import numpy as np
from PIL import Image

from mmseg_custom.datasets.transforms import RandomChannelShuffle, RandomColorBalance, RandomGray


def test_shuffle_takes_whole_channels_in_all_orders(sample):
    img = sample()['img']
    shuffle = RandomChannelShuffle(1.0)
    np.testing.assert_array_equal(shuffle.augment_image(img, order=np.array([2, 0, 1])), img[..., [2, 0, 1]])
    np.random.seed(0)
    assert len({tuple(shuffle.sample((1, 1))['order']) for _ in range(60)}) == 6


def test_gray_is_that_of_pil(sample):
    img = sample()['img']
    gray = RandomGray(1.0)({'img': img})['img']
    expected = np.asarray(Image.fromarray(np.ascontiguousarray(img[..., ::-1])).convert('L'))
    assert np.abs(gray.astype(int) - expected[..., None]).max() <= 1
    # Blue is the darkest of the pure colours: 255 * 0.114, 0.587, 0.299.
    pure = 255 * np.eye(3, dtype=np.uint8)[None]
    assert RandomGray(1.0)({'img': pure})['img'][0, :, 0].tolist() == [29, 150, 76]


def test_balance_scales_each_channel():
    img = np.full((2, 2, 3), 100, np.uint8)
    balance = RandomColorBalance(1.0)
    scaled = balance.augment_image(img, factors=np.array([0.8, 1.0, 1.2]))
    assert np.abs(scaled.astype(int) - [80, 100, 120]).max() <= 1
    assert balance.augment_image(img + 150, factors=np.array([1.2, 1.2, 1.2])).min() == 255
    np.random.seed(0)
    drawn = np.array([balance.sample((1, 1))['factors'] for _ in range(200)])
    assert drawn.shape == (200, 3) and 0.8 <= drawn.min() < 0.82 and 1.18 < drawn.max() <= 1.2
