"""Augmentations of sharpness and noise; none of them touches the label."""

from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import cv2
import numpy as np
from mmseg.registry import TRANSFORMS

from .base import ImageAugmentation, checked_range


@TRANSFORMS.register_module()
class RandomGaussianBlur(ImageAugmentation):
    """Blur by a Gaussian of random radius.

    Required Keys:

    - img

    Modified Keys:

    - img

    Args:
        prob (float): Probability of acting. Defaults to 0.3.
        radius (Sequence[float]): Range of the standard deviation in pixels (PIL's ``radius``), above 0.
            Defaults to (0.1, 1.0).
    """

    def __init__(self, prob: float = 0.3, radius: Sequence[float] = (0.1, 1.0)) -> None:
        super().__init__(prob)
        self.radius = checked_range('radius', radius, least=0.01)

    def sample(self, shape: tuple[int, int]) -> dict[str, Any]:
        """Draw the radius."""
        return {'radius': np.random.uniform(*self.radius)}

    def augment_image(self, img: np.ndarray, radius: float) -> np.ndarray:
        """Blur; OpenCV chooses a window of about three radii to each side."""
        return cv2.GaussianBlur(img, (0, 0), radius)


@TRANSFORMS.register_module()
class RandomSharpness(ImageAugmentation):
    """Move away from the smoothed image, as PIL's ``ImageEnhance.Sharpness`` does.

    PIL smooths by a 3 x 3 window of ones with 5 in the middle, over 13: 4/13 of the pixel and 9/13 of the
    window's mean. At the border the window is mirrored (PIL leaves the border pixels as they are).

    Required Keys:

    - img

    Modified Keys:

    - img

    Args:
        prob (float): Probability of acting. Defaults to 0.1.
        factor (Sequence[float]): Range of the factor: 0 is the smoothed image, 1 the image itself, above 1
            is sharper. Defaults to (1, 2).
    """

    def __init__(self, prob: float = 0.1, factor: Sequence[float] = (1.0, 2.0)) -> None:
        super().__init__(prob)
        self.factor = checked_range('factor', factor)

    def sample(self, shape: tuple[int, int]) -> dict[str, Any]:
        """Draw the factor."""
        return {'factor': np.random.uniform(*self.factor)}

    def augment_image(self, img: np.ndarray, factor: float) -> np.ndarray:
        """Return ``factor * img + (1 - factor) * smoothed`` with ``smoothed`` as above."""
        share = (1 - factor) * 9 / 13
        return cv2.addWeighted(img, 1 - share, cv2.blur(img, (3, 3)), share, 0)


@TRANSFORMS.register_module()
class RandomGaussianNoise(ImageAugmentation):
    """Add independent, normally distributed noise to every value.

    The noise is rounded to whole grey levels before it is added. So it can be looked up from 16 random bits
    a value in a table of the normal distribution, several times faster than normal numbers are drawn.

    Required Keys:

    - img

    Modified Keys:

    - img

    Args:
        prob (float): Probability of acting. Defaults to 0.1.
        sigma (float): Standard deviation in grey levels (of 255), above 0 and at most 30. Defaults to 5.

    Raises:
        ValueError: If ``sigma`` is out of that range.
    """

    def __init__(self, prob: float = 0.1, sigma: float = 5.0) -> None:
        super().__init__(prob)
        if not 0 < sigma <= 30:
            raise ValueError(f'RandomGaussianNoise: sigma={sigma}; give a value above 0 and at most 30')
        self.sigma = sigma
        self._table = normal_table(sigma)

    def sample(self, shape: tuple[int, int]) -> dict[str, Any]:
        """Draw 16 bits for every value of the image."""
        return {'bits': np.random.randint(0, 1 << 16, size=(*shape, 3), dtype=np.uint16)}

    def augment_image(self, img: np.ndarray, bits: np.ndarray) -> np.ndarray:
        """Add the noise and clip to 0..255."""
        return cv2.add(img, self._table.take(bits), dtype=cv2.CV_8U)


def normal_table(sigma: float) -> np.ndarray:
    """Return the 65,536 quantiles of the normal distribution of ``sigma``, rounded, as int8."""
    edges = [NormalDist(0, sigma).cdf(level + 0.5) for level in range(-127, 127)]
    return (np.searchsorted(edges, (np.arange(1 << 16) + 0.5) / (1 << 16)) - 127).astype(np.int8)
