"""Labels that lie beside their image: drawn on another frame, or moved on the way through a tool."""

from typing import NamedTuple

import numpy as np

from mmseg_custom.evaluation.kept_predictions import VOID, Maps

STEPS = (-3, -2, -1, 0, 1, 2, 3)
STEPS_A_SIDE = 90  # A step is this part of the shorter side: 4 pixels of 360, 11 of 1024.


class Shift(NamedTuple):
    """Where a label would fit better.

    Attributes:
        down: Pixels by which the label would have to be moved, to the bottom.
        right: The same, to the right.
        gain: By how much more of the pixels would agree with the prediction, 0 to 1; 0 if it fits best where it is.
    """

    down: int
    right: int
    gain: float


def best_shift(maps: Maps) -> Shift:
    """The shift, of up to three steps each way, by which a label agrees best with what is predicted.

    Both agreements of a shift are counted over the same places: where the label has a class before and after it.

    Args:
        maps: Of an image.
    """
    step = max(1, round(min(maps.label.shape) / STEPS_A_SIDE))
    # One pixel of each step by step says enough, and a shift is then a slice.
    label, classes = maps.label[::step, ::step], maps.classes[::step, ::step]
    found = [
        Shift(down * step, right * step, _gain(label, classes, down, right)) for down in STEPS for right in STEPS
    ]
    best = max(found, key=lambda shift: shift.gain)
    return best if best.gain > 0 else Shift(0, 0, 0.0)


def _gain(label: np.ndarray, classes: np.ndarray, down: int, right: int) -> float:
    before = (_inside(-down, label.shape[0]), _inside(-right, label.shape[1]))
    after = (_inside(down, label.shape[0]), _inside(right, label.shape[1]))
    moved, there, predicted = label[before], label[after], classes[after]
    both = (moved != VOID) & (there != VOID)
    pixels = np.count_nonzero(both)
    agree, agreed = (np.count_nonzero((one == predicted) & both) for one in (moved, there))
    return (agree - agreed) / pixels if pixels else 0.0


def _inside(offset: int, length: int) -> slice:
    return slice(max(offset, 0), max(length + min(offset, 0), 0))
