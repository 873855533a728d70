"""Augmentations that move pixels, of the image and of its label maps alike; no border is ever filled in."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from mmseg.registry import TRANSFORMS

from .base import ImageAugmentation, checked_range


@TRANSFORMS.register_module()
class RandomUpscaleCrop(ImageAugmentation):
    """Enlarge by a random factor and crop back to the size of the input, at a random place or the centre.

    Only the part that the crop keeps is enlarged, which is the same picture for less work.

    Required Keys:

    - img
    - seg_fields (optional)

    Modified Keys:

    - img
    - the label maps named in seg_fields

    Args:
        prob (float): Probability of acting. Defaults to 0.5.
        factor (Sequence[float]): Range of the enlargement, at least 1. Defaults to (1.0, 1.2).
        random_place (float): Probability of a random place; else the centre. Defaults to 0.4.

    Raises:
        ValueError: If ``random_place`` is no probability.
    """

    def __init__(self, prob: float = 0.5, factor: Sequence[float] = (1.0, 1.2), random_place: float = 0.4) -> None:
        super().__init__(prob)
        self.factor = checked_range('factor', factor, least=1.0)
        if not 0 <= random_place <= 1:
            raise ValueError(f'RandomUpscaleCrop: random_place={random_place} is no probability; give 0 to 1')
        self.random_place = random_place

    def sample(self, shape: tuple[int, int]) -> dict[str, Any]:
        """Draw the part to keep."""
        factor = np.random.uniform(*self.factor)
        at_random = np.random.random_sample() < self.random_place
        place = np.random.random_sample(2) if at_random else (0.5, 0.5)
        kept = [round(length / factor) for length in shape]
        top, left = (round(p * (length - k)) for p, length, k in zip(place, shape, kept, strict=True))
        return {'window': (slice(top, top + kept[0]), slice(left, left + kept[1]))}

    def augment_image(self, img: np.ndarray, window: tuple[slice, slice]) -> np.ndarray:
        """Enlarge the window bilinearly."""
        return cv2.resize(img[window], img.shape[1::-1], interpolation=cv2.INTER_LINEAR)

    def augment_label(self, label: np.ndarray, window: tuple[slice, slice]) -> np.ndarray:
        """Enlarge the window by the nearest pixel; the exact variant has the same centres as bilinear."""
        return cv2.resize(label[window], label.shape[::-1], interpolation=cv2.INTER_NEAREST_EXACT)


@TRANSFORMS.register_module()
class RandomElastic(ImageAugmentation):
    """Move every pixel by a smooth random displacement.

    The displacement is uniform noise in -1..1, blurred by a Gaussian of ``sigma`` and multiplied by
    ``alpha``, as in Simard et al., `Best practices for convolutional neural networks applied to visual
    document analysis <https://doi.org/10.1109/ICDAR.2003.1227801>`_, 2003. Its standard deviation is about
    ``0.163 * alpha / sigma`` pixels.

    Required Keys:

    - img
    - seg_fields (optional)

    Modified Keys:

    - img
    - the label maps named in seg_fields

    Args:
        prob (float): Probability of acting. Defaults to 0.1.
        alpha (Sequence[float]): Range of the scale in pixels. Defaults to (10, 30).
        sigma (Sequence[float]): Range of the blur in pixels, at least 2. Defaults to (3, 7).
    """

    def __init__(
        self, prob: float = 0.1, alpha: Sequence[float] = (10.0, 30.0), sigma: Sequence[float] = (3.0, 7.0)
    ) -> None:
        super().__init__(prob)
        self.alpha = checked_range('alpha', alpha)
        self.sigma = checked_range('sigma', sigma, least=2.0)

    def sample(self, shape: tuple[int, int]) -> dict[str, Any]:
        """Draw the displacement and return where every pixel is taken from."""
        alpha, sigma = np.random.uniform(*self.alpha), np.random.uniform(*self.sigma)
        coarse = [-(-length // 2) for length in shape]
        noise = np.random.randint(-128, 128, size=(2, *coarse), dtype=np.int8)
        down, right = (alpha * smooth_field(values, sigma, shape) for values in noise)
        down += np.arange(shape[0], dtype=np.float32)[:, None]
        right += np.arange(shape[1], dtype=np.float32)
        return {'columns': right, 'rows': down}

    def augment_image(self, img: np.ndarray, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Take the pixels bilinearly (at 1/32 pixel); beyond the border the image is mirrored."""
        fixed_point = cv2.convertMaps(columns, rows, cv2.CV_16SC2)
        return cv2.remap(img, *fixed_point, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)

    def augment_label(self, label: np.ndarray, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Take the nearest pixels; beyond the border the label is mirrored."""
        return cv2.remap(label, columns, rows, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT_101)


def smooth_field(noise: np.ndarray, sigma: float, shape: tuple[int, int]) -> np.ndarray:
    """Blur noise given at every second pixel and bring it to ``shape``.

    Noise blurred with a sigma of two pixels and more has no detail finer than two pixels: drawn at every
    second pixel and blurred with half of sigma it is the same kind of field for a quarter of the work, only
    twice as strong.

    Args:
        noise (np.ndarray): int8, H/2 x W/2 (rounded up), uniform over all 256 values, which stand for -1..1.
        sigma (float): Standard deviation of the blur, in pixels of the full size.
        shape (tuple[int, int]): Height and width of the full size.

    Returns:
        np.ndarray: float32, H x W.
    """
    field = (noise + np.float32(0.5)) / np.float32(2 * 128)
    field = cv2.GaussianBlur(field, (0, 0), sigma / 2, borderType=cv2.BORDER_REFLECT_101)
    return cv2.resize(field, shape[::-1], interpolation=cv2.INTER_LINEAR)
