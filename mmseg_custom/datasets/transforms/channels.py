"""Augmentations of the three colour channels as wholes; none of them touches the label."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from mmseg.registry import TRANSFORMS

from .base import ImageAugmentation, checked_range


@TRANSFORMS.register_module()
class RandomChannelShuffle(ImageAugmentation):
    """Put the colour channels in a random order; all six orders are equally likely, the old one among them.

    Required Keys:

    - img

    Modified Keys:

    - img

    Args:
        prob (float): Probability of acting. Defaults to 0.1.
    """

    def __init__(self, prob: float = 0.1) -> None:
        super().__init__(prob)

    def sample(self, shape: tuple[int, int]) -> dict[str, Any]:
        """Draw the order."""
        return {'order': np.random.permutation(3)}

    def augment_image(self, img: np.ndarray, order: np.ndarray) -> np.ndarray:
        """Return channel ``order[i]`` as channel ``i``."""
        return cv2.transform(img, np.eye(3)[order])


@TRANSFORMS.register_module()
class RandomGray(ImageAugmentation):
    """Replace the three channels by the grey value.

    MMCV's ``RandomGrayscale`` weighs the channels alike and draws from Python's generator; here the
    weights are those of PIL and the draw is NumPy's.

    Required Keys:

    - img

    Modified Keys:

    - img

    Args:
        prob (float): Probability of acting. Defaults to 0.1.
    """

    def __init__(self, prob: float = 0.1) -> None:
        super().__init__(prob)

    def sample(self, shape: tuple[int, int]) -> dict[str, Any]:
        """Draw nothing: the grey image is one and the same."""
        return {}

    def augment_image(self, img: np.ndarray) -> np.ndarray:
        """Return the grey image with three equal channels."""
        return cv2.cvtColor(cv2.cvtColor(img, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)


@TRANSFORMS.register_module()
class RandomColorBalance(ImageAugmentation):
    """Multiply each channel by its own random factor.

    Required Keys:

    - img

    Modified Keys:

    - img

    Args:
        prob (float): Probability of acting. Defaults to 0.1.
        factor (Sequence[float]): Range of each channel's factor. Defaults to (0.8, 1.2).
    """

    def __init__(self, prob: float = 0.1, factor: Sequence[float] = (0.8, 1.2)) -> None:
        super().__init__(prob)
        self.factor = checked_range('factor', factor)

    def sample(self, shape: tuple[int, int]) -> dict[str, Any]:
        """Draw three factors, for blue, green and red."""
        return {'factors': np.random.uniform(*self.factor, size=3)}

    def augment_image(self, img: np.ndarray, factors: np.ndarray) -> np.ndarray:
        """Scale the channels."""
        return cv2.transform(img, np.diag(factors))
