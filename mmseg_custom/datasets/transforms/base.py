"""What every augmentation shares: when it acts, where its random numbers are drawn, what it may touch."""

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform


class ImageAugmentation(BaseTransform):
    """An augmentation that acts with probability ``prob`` on an 8-bit BGR image and its label maps.

    A subclass draws all its random numbers in :meth:`sample` and uses them in :meth:`augment_image`; a
    geometric one also in :meth:`augment_label`, which by default leaves the label alone. All numbers come
    from NumPy's global generator: seeded per sample, the result is a function of that seed alone.
    The arrays of the caller are never written to.

    Required Keys:

    - img (np.uint8, H x W x 3, BGR)
    - seg_fields (optional)

    Modified Keys:

    - img
    - the label maps named in seg_fields (geometric augmentations only)

    Args:
        prob (float): Probability of acting on a sample, 0 to 1.

    Raises:
        ValueError: If ``prob`` is no probability.
    """

    def __init__(self, prob: float) -> None:
        if not 0 <= prob <= 1:
            raise ValueError(f'{type(self).__name__}: prob={prob} is no probability; give 0 to 1')
        self.prob = prob

    @abstractmethod
    def sample(self, shape: tuple[int, int]) -> dict[str, Any]:
        """Draw every random number for one image of ``shape`` (height, width)."""

    @abstractmethod
    def augment_image(self, img: np.ndarray, **drawn: Any) -> np.ndarray:
        """Return the augmented image, a new array of the same shape, from what :meth:`sample` drew."""

    def augment_label(self, label: np.ndarray, **drawn: Any) -> np.ndarray:
        """Return the label map (H x W) that fits the augmented image; ids are never interpolated."""
        return label

    def transform(self, results: dict) -> dict:
        """Act on ``results`` with probability ``prob``.

        Raises:
            TypeError: If the image is not 8-bit with three channels.
        """
        if np.random.random_sample() >= self.prob:
            return results
        img = self._checked(results['img'])
        drawn = self.sample(img.shape[:2])
        results['img'] = self.augment_image(img, **drawn)
        for key in results.get('seg_fields', []):
            results[key] = self.augment_label(results[key], **drawn)
        return results

    def _checked(self, img: np.ndarray) -> np.ndarray:
        if img.dtype != np.uint8 or img.ndim != 3 or img.shape[2] != 3:
            raise TypeError(
                f'{type(self).__name__}: the image is {img.dtype} {img.shape}, not uint8 H x W x 3; '
                'place the augmentation before any normalisation and load images in colour'
            )
        return contiguous(img)

    def __repr__(self) -> str:
        arguments = ', '.join(f'{k}={v!r}' for k, v in vars(self).items() if not k.startswith('_'))
        return f'{type(self).__name__}({arguments})'


def contiguous(img: np.ndarray) -> np.ndarray:
    """Return ``img`` (H x W x 3) in C order.

    MMCV's horizontal flip returns a mirrored view. NumPy copies it pixel by pixel, which takes longer
    than most augmentations; OpenCV mirrors the array underneath about 40 times faster.
    """
    mirrored = img[:, ::-1]
    return cv2.flip(mirrored, 1) if mirrored.flags.c_contiguous else np.ascontiguousarray(img)


def checked_range(
    name: str, values: Sequence[float], least: float = 0.0, most: float = math.inf
) -> tuple[float, float]:
    """Return ``values`` as (low, high).

    Raises:
        ValueError: If they are not two numbers with ``least`` <= low <= high <= ``most``.
    """
    if len(values) != 2 or not least <= values[0] <= values[1] <= most:
        raise ValueError(f'{name}={values!r} is no range; give (low, high) with {least} <= low <= high <= {most}')
    return float(values[0]), float(values[1])
