"""Errors put into labels on purpose, as annotators make them: for trying what finds them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

HOW = DROP, SWAP, SHIFT = 'drop', 'swap', 'shift'
SHIFTS = ((0, 10), (0, -10), (10, 0), (-10, 0))  # pixels down and to the right
VOID = 255


def break_label(
    label: np.ndarray, classes: Sequence[int], how: str, least: int, rng: np.random.Generator
) -> np.ndarray | None:
    """A label with one error.

    Args:
        label: Class ids, uint8 (H, W).
        classes: The ids that are classes; what else there is is void.
        how: ``'drop'``: a connected component is filled with what is nearest to it. ``'swap'``: two classes have each
            other's id. ``'shift'``: the whole label lies 10 pixels aside; what comes in from outside is void (255).
        least: The size of what is dropped or swapped, in pixels.
        rng: Chooses what.

    Returns:
        ``None`` where the label has nothing that could be broken in this way.
    """
    kinds = [kind for kind in classes if np.count_nonzero(label == kind) >= least]
    if how == SHIFT:
        down, right = SHIFTS[rng.integers(len(SHIFTS))]
        moved, size = np.float32([[1, 0, right], [0, 1, down]]), label.shape[::-1]
        return cv2.warpAffine(label, moved, size, flags=cv2.INTER_NEAREST, borderValue=VOID)
    if how == SWAP:
        return _exchanged(label, *rng.choice(kinds, 2, replace=False).tolist()) if len(kinds) > 1 else None
    components = [mask for kind in kinds for mask in _components(label == kind, least)]
    return _filled(label, components[rng.integers(len(components))]) if components else None


def break_some(
    files: Sequence[Path], classes: Sequence[int], share: float, least: int, rng: np.random.Generator
) -> Iterator[tuple[Path, str, np.ndarray, np.ndarray]]:
    """Break a part of some labels, the kinds of errors in turn; nothing is written.

    Args:
        files: Of the labels.
        classes: As :func:`break_label`.
        share: The part of them that is chosen.
        least: As :func:`break_label`.
        rng: Chooses them, and what is broken.

    Yields:
        The file, the kind of its error, its label, and the broken one.
    """
    for number, index in enumerate(rng.permutation(len(files))[: round(share * len(files))].tolist()):
        path, how = files[index], HOW[number % len(HOW)]
        label = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        broken = break_label(label, classes, how, least, rng)
        if broken is not None:
            yield path, how, label, broken


def wrong_pixels(label: np.ndarray, now: np.ndarray, classes: Sequence[int]) -> np.ndarray:
    """The pixels that have another class than they had, bool (H, W); one that becomes void is no wrong label."""
    return (now != label) & np.isin(label, classes) & np.isin(now, classes)


def _components(mask: np.ndarray, least: int) -> list[np.ndarray]:
    count, numbers, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    return [numbers == number for number in range(1, count) if stats[number, cv2.CC_STAT_AREA] >= least]


def _exchanged(label: np.ndarray, one: int, other: int) -> np.ndarray:
    table = np.arange(256, dtype=np.uint8)
    table[[one, other]] = other, one
    return table[label]


def _filled(label: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """A label whose pixels in a hole have the class of the nearest pixel outside of it."""
    _, nearest = cv2.distanceTransformWithLabels(
        hole.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    values = np.zeros(int(nearest.max()) + 1, np.uint8)
    values[nearest[~hole]] = label[~hole]
    return np.where(hole, values[nearest], label)
