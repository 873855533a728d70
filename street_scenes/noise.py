"""Periodic noise tiles: one texture for every surface, the same at every resolution."""

from functools import cache

import cv2
import numpy as np

SIZE = 256


@cache
def _tile(falloff: float) -> np.ndarray:
    """A (SIZE, SIZE) tile with spectrum 1 / frequency ** falloff, mean 0, deviation 1."""
    spectrum = np.fft.rfft2(np.random.RandomState(7).standard_normal((SIZE, SIZE)))
    frequency = np.hypot(np.fft.fftfreq(SIZE)[:, None], np.fft.rfftfreq(SIZE)[None])
    frequency[0, 0] = np.inf
    tile = np.fft.irfft2(spectrum / frequency**falloff, s=(SIZE, SIZE))
    return (tile / tile.std()).astype(np.float32)


def fraction(value: np.ndarray) -> np.ndarray:
    """``value % 1``, several times as fast."""
    return value - np.floor(value)


def noise(s: np.ndarray, t: np.ndarray, scale: float, offset: float = 0.0, falloff: float = 1.0) -> np.ndarray:
    """Smooth noise over a surface, mean 0, deviation 1.

    Args:
        s: First surface coordinate, any shape of two axes.
        t: Second surface coordinate.
        scale: Size of one texel in the unit of the coordinates.
        offset: Shifts the texture by this share of the tile, so that no two surfaces look alike.
        falloff: 0 for white noise, 1 for grain, 2 for clouds.

    Returns:
        float32 array of the shape of ``s``.
    """
    x, y = (SIZE * fraction(axis * (1 / scale / SIZE) + shift) for axis, shift in ((s, offset), (t, 1.7 * offset)))
    return cv2.remap(_tile(falloff), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
