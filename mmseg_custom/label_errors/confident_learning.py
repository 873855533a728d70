"""Confident learning of labels by pixel, streamed: Northcutt et al. 2021, for segmentation Lad and Mueller 2023.

What cleanlab 2.9 (``cleanlab.segmentation``) computes from one array of all probabilities follows from three maps an
image: the class predicted, its probability and that of the class given. Void pixels are skipped everywhere.
"""

import numpy as np

from mmseg_custom.evaluation.kept_predictions import VOID, Maps
from mmseg_custom.evaluation.pixel_probabilities import LEVELS

TEMPERATURE = 0.1  # Of the softmin, as in arXiv 2307.05080.
MARGIN = 1e-6  # Below a threshold a probability still counts as equal to it.
CHUNK = 2**18  # Pixels that are in memory in double precision.


def label_quality(given: np.ndarray, temperature: float = TEMPERATURE) -> float | None:
    """The quality of an image's label, 0 to 1: the softmin of the probability of its given classes.

    Args:
        given: The probability of the given class at each pixel that is not void.
        temperature: The lower, the more the worst pixels count. Defaults to 0.1.

    Returns:
        ``None`` where there is no pixel.
    """
    if not given.size:
        return None
    lowest, total, mean = float(given.min()), 0.0, 0.0
    for values in np.array_split(given.ravel(), -(-given.size // CHUNK)):
        weights = np.exp((lowest - values.astype(np.float64)) / temperature)
        total += weights.sum()
        mean += values @ weights
    return float(mean / total)


def sum_by_class(given: np.ndarray, label: np.ndarray, num_classes: int) -> np.ndarray:
    """The sum of the probability of the given class over the pixels of each class, float64 (C,).

    Args:
        given: The probability of the given class at each pixel, (H, W).
        label: The given class, uint8 (H, W); void has none.
        num_classes: C.
    """
    sums = np.zeros(256)
    chunks = -(-given.size // CHUNK)
    for values, kinds in zip(
        np.array_split(given.ravel(), chunks), np.array_split(label.ravel(), chunks), strict=True
    ):
        sums += np.bincount(kinds, values, minlength=256)
    return sums[:num_classes]


def confident_thresholds(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The probability from which on a pixel counts as one of a class: the mean over the pixels that have its label.

    Args:
        sums: Of the probability of the given class over the pixels of each class, (C,).
        counts: Of these pixels, (C,).

    Returns:
        (C,); 0 for a class that no label has.
    """
    return np.asarray(sums, np.float64) / np.maximum(counts, 1)


def count_errors(maps: Maps, thresholds: np.ndarray) -> int:
    """The number of pixels whose prediction is another class than the label, with at least its threshold.

    Args:
        maps: Of an image.
        thresholds: Of :func:`confident_thresholds`.
    """
    least = thresholds - MARGIN
    confident = maps.best / LEVELS >= least[maps.classes]
    return int(np.count_nonzero(confident & differs(maps)))


def count_levels(maps: Maps) -> np.ndarray:
    """How many pixels that are not void have each of the 256 levels as the probability of their given class."""
    return np.bincount(maps.given[maps.label != VOID], minlength=LEVELS + 1)


def last_level(levels: np.ndarray, errors: int) -> int:
    """The highest level among the ``errors`` pixels of the lowest probability of their given class; -1 for none.

    Args:
        levels: The sum of :func:`count_levels` over all images.
        errors: The sum of :func:`count_errors`.
    """
    return int(np.searchsorted(np.cumsum(levels), errors)) if errors else -1


def find_errors(maps: Maps, level: int) -> np.ndarray:
    """The pixels whose label is probably wrong, bool (H, W).

    Args:
        maps: Of an image.
        level: Of :func:`last_level`; all pixels of that level are among them, of which cleanlab takes some.
    """
    return (maps.given.astype(np.int16) <= level) & differs(maps)


def differs(maps: Maps) -> np.ndarray:
    """The pixels with a label that have another prediction, bool (H, W)."""
    return (maps.label != maps.classes) & (maps.label != VOID)
