"""Augmentations of colour; none of them touches the label. Images are 8-bit BGR throughout."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from mmseg.registry import TRANSFORMS

from .base import ImageAugmentation, checked_range

# Of ITU-R BT.601, which OpenCV and Pillow turn grey with.
LUMA_BGR = np.array([0.114, 0.587, 0.299])
"""Weights of blue, green and red in the grey value (ITU-R BT.601, as in PIL's mode ``L``)."""


def adjust_brightness(img: np.ndarray, factor: float) -> np.ndarray:
    """Blend with black: ``factor`` 0 is black, 1 the image itself."""
    return cv2.convertScaleAbs(img, alpha=factor)


def adjust_contrast(img: np.ndarray, factor: float) -> np.ndarray:
    """Blend with the mean grey value of the image: ``factor`` 0 is that grey, 1 the image itself."""
    mean_grey = LUMA_BGR @ cv2.mean(img)[:3]
    return cv2.addWeighted(img, factor, img, 0, (1 - factor) * mean_grey)


def adjust_saturation(img: np.ndarray, factor: float) -> np.ndarray:
    """Blend with the grey image: ``factor`` 0 is grey, 1 the image itself."""
    return cv2.transform(img, factor * np.eye(3) + (1 - factor) * LUMA_BGR)


def adjust_hue(img: np.ndarray, shift: float) -> np.ndarray:
    """Turn the hue by ``shift`` of the colour circle (-0.5 to 0.5); 0 returns the image itself."""
    if shift == 0:
        return img
    hsv = cv2.cvtColor(img, cv2.COLOR_BGR2HSV_FULL)
    # OpenCV takes the circle for 256 on the way to HSV and for 255 on the way back.
    turned = (np.arange(256) / 256 + shift) % 1 * 255
    hue = cv2.LUT(cv2.extractChannel(hsv, 0), turned.round().astype(np.uint8))
    cv2.insertChannel(hue, hsv, 0)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR_FULL)


ADJUSTMENTS = (adjust_brightness, adjust_contrast, adjust_saturation, adjust_hue)


@TRANSFORMS.register_module()
class RandomColorJitter(ImageAugmentation):
    """Brightness, contrast, saturation and hue, each by its own random amount, in random order.

    The adjustments are those of PIL's ``ImageEnhance`` and of torchvision's ``ColorJitter``.

    Required Keys:

    - img

    Modified Keys:

    - img

    Args:
        prob (float): Probability of acting. Defaults to 0.5.
        brightness (Sequence[float]): Range of the factor, 1 changes nothing. Defaults to (0.8, 1.2).
        contrast (Sequence[float]): Likewise. Defaults to (0.8, 1.2).
        saturation (Sequence[float]): Likewise. Defaults to (0.8, 1.2).
        hue (Sequence[float]): Range of the shift as a part of the colour circle, -0.5 to 0.5.
            Defaults to (0, 0), no shift.
    """

    def __init__(
        self,
        prob: float = 0.5,
        brightness: Sequence[float] = (0.8, 1.2),
        contrast: Sequence[float] = (0.8, 1.2),
        saturation: Sequence[float] = (0.8, 1.2),
        hue: Sequence[float] = (0.0, 0.0),
    ) -> None:
        super().__init__(prob)
        self.brightness = checked_range('brightness', brightness)
        self.contrast = checked_range('contrast', contrast)
        self.saturation = checked_range('saturation', saturation)
        self.hue = checked_range('hue', hue, least=-0.5, most=0.5)

    def sample(self, shape: tuple[int, int]) -> dict[str, Any]:
        """Draw the amount of each adjustment and their order."""
        ranges = (self.brightness, self.contrast, self.saturation, self.hue)
        amounts = [np.random.uniform(*limits) for limits in ranges]
        return {'amounts': amounts, 'order': np.random.permutation(len(ADJUSTMENTS))}

    def augment_image(self, img: np.ndarray, amounts: Sequence[float], order: np.ndarray) -> np.ndarray:
        """Apply the adjustments one after the other."""
        for index in order:
            img = ADJUSTMENTS[index](img, amounts[index])
        return img


@TRANSFORMS.register_module()
class RandomColorMixup(RandomColorJitter):
    """Mix the image with a jittered copy of itself.

    Required Keys:

    - img

    Modified Keys:

    - img

    Args:
        prob (float): Probability of acting. Defaults to 0.05.
        ratio (Sequence[float]): Range of the part of the image itself, at most 1; the rest is the copy.
            Defaults to (0.6, 0.8).
        **jitter: Ranges of the copy, see :class:`RandomColorJitter`.
    """

    def __init__(self, prob: float = 0.05, ratio: Sequence[float] = (0.6, 0.8), **jitter: Any) -> None:
        super().__init__(prob, **jitter)
        self.ratio = checked_range('ratio', ratio, most=1.0)

    def sample(self, shape: tuple[int, int]) -> dict[str, Any]:
        """Draw the jitter of the copy and the part of the image."""
        return {**super().sample(shape), 'ratio': np.random.uniform(*self.ratio)}

    def augment_image(self, img: np.ndarray, ratio: float, **jitter: Any) -> np.ndarray:
        """Return ``ratio`` of the image and ``1 - ratio`` of the jittered copy."""
        return cv2.addWeighted(img, ratio, super().augment_image(img, **jitter), 1 - ratio, 0)


@TRANSFORMS.register_module()
class RandomGamma(ImageAugmentation):
    """Raise every value, taken as 0 to 1, to a random power.

    Required Keys:

    - img

    Modified Keys:

    - img

    Args:
        prob (float): Probability of acting. Defaults to 0.25.
        gamma (Sequence[float]): Range of the power; above 1 darkens. Defaults to (0.7, 1.3).
    """

    def __init__(self, prob: float = 0.25, gamma: Sequence[float] = (0.7, 1.3)) -> None:
        super().__init__(prob)
        self.gamma = checked_range('gamma', gamma)

    def sample(self, shape: tuple[int, int]) -> dict[str, Any]:
        """Draw the power."""
        return {'gamma': np.random.uniform(*self.gamma)}

    def augment_image(self, img: np.ndarray, gamma: float) -> np.ndarray:
        """Look every value up in the curve."""
        curve = 255 * (np.arange(256) / 255) ** gamma
        return cv2.LUT(img, curve.round().astype(np.uint8))
