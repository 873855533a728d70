import numpy as np
import pytest

from mmseg_custom.evaluation.kept_predictions import VOID, Maps
from mmseg_custom.label_errors.misplaced import best_shift


def maps(label, classes):
    return Maps(label, classes, np.zeros_like(label), np.zeros_like(label))


@pytest.fixture
def classes():
    """A prediction with a square of class 1, 180 x 360: a step is 2 pixels."""
    classes = np.zeros((180, 360), np.uint8)
    classes[60:120, 100:180] = 1
    return classes


@pytest.mark.parametrize(('down', 'right'), [(4, 0), (-6, 2), (0, -4)])
def test_a_label_that_was_moved_is_moved_back(classes, down, right):
    shift = best_shift(maps(np.roll(classes, (-down, -right), (0, 1)), classes))
    assert shift[:2] == (down, right)
    # All that was wrong agrees then.
    wrong = (np.roll(classes, (-down, -right), (0, 1)) != classes).sum() / classes.size
    assert shift.gain == pytest.approx(wrong, rel=0.1)


def test_a_label_that_fits_has_no_shift(classes):
    assert best_shift(maps(classes, classes)) == (0, 0, 0.0)
    assert best_shift(maps(np.full_like(classes, VOID), classes)) == (0, 0, 0.0)


def test_void_does_not_count(classes):
    label = np.roll(classes, 4, 0)
    label[:, 150:] = VOID
    whole = best_shift(maps(label, classes))
    assert whole[:2] == (-4, 0)
    # Two strips of 4 rows are wrong, 50 of the 150 columns that are labelled wide.
    assert whole.gain == pytest.approx(2 * 4 * 50 / (150 * 180), rel=0.1)


def test_a_small_image_is_looked_at_too():
    classes = np.zeros((8, 8), np.uint8)
    classes[2:5, 2:5] = 1
    assert best_shift(maps(np.roll(classes, 1, 1), classes))[:2] == (0, -1)
