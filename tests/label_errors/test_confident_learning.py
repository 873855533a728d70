"""Against values by hand, the paper's formulas written directly, and cleanlab where it is installed."""

import numpy as np
import pytest

from mmseg_custom.evaluation.kept_predictions import Maps
from mmseg_custom.label_errors import confident_learning
from mmseg_custom.label_errors.confident_learning import (
    confident_thresholds,
    count_errors,
    count_levels,
    find_errors,
    label_quality,
    last_level,
)

VOID = 255


def maps(label, classes, given, best):
    return Maps(*(np.array([row], np.uint8) for row in (label, classes, given, best)))


# Given:     one pixel of class 0 that is class 1 for sure, one that is so by less than the threshold, void.
BY_HAND = maps([0, 0, 0, 1, 1, VOID], [0, 1, 1, 1, 1, 1], [255, 51, 102, 204, 204, 0], [255, 204, 153, 204, 204, 255])


def test_thresholds_are_means_by_class():
    assert confident_thresholds(np.array([1.5, 0.0]), np.array([2, 0])).tolist() == [0.75, 0.0]


def test_errors_by_hand():
    thresholds = np.array([(1 + 0.2 + 0.4) / 3, 0.8])
    assert count_errors(BY_HAND, thresholds) == 1
    levels = count_levels(BY_HAND)
    assert levels.sum() == 5 and levels[204] == 2 and levels[0] == 0
    assert last_level(levels, 1) == 51
    assert find_errors(BY_HAND, 51).tolist() == [[False, True, False, False, False, False]]
    assert find_errors(BY_HAND, 255).tolist() == [[False, True, True, False, False, False]]
    assert last_level(levels, 0) == -1 and not find_errors(BY_HAND, -1).any()


def test_quality_of_a_label_is_the_softmin():
    # Weights of 0.9 and 0.8 are 1 to e, with temperature 0.1.
    expected = (0.9 + 0.8 * np.e) / (1 + np.e)
    assert label_quality(np.array([0.9, 0.8])) == pytest.approx(expected, abs=1e-12)
    assert label_quality(np.array([0.3, 0.3])) == pytest.approx(0.3)
    assert label_quality(np.array([])) is None


def test_probabilities_are_added_by_class_without_void():
    given, label = np.array([[0.25, 0.5, 0.125, 0.0]], np.float32), np.array([[1, 1, 0, VOID]], np.uint8)
    assert confident_learning.sum_by_class(given, label, 3).tolist() == [0.125, 0.75, 0.0]


def test_quality_does_not_depend_on_how_the_pixels_are_cut(monkeypatch):
    given = np.random.default_rng(0).random(1000).astype(np.float32)
    whole = label_quality(given)
    monkeypatch.setattr(confident_learning, 'CHUNK', 7)
    assert label_quality(given) == pytest.approx(whole, abs=1e-12)


@pytest.fixture
def arrays():
    """Labels (2, 10, 12) of 3 classes, and probabilities of 8 bits; no two pixels have one of their given class."""
    rng = np.random.default_rng(1)
    given = rng.permutation(np.arange(1, 241)).reshape(2, 10, 12)
    labels = rng.integers(0, 3, given.shape)
    rest = 255 - given
    first = (rest * rng.random(given.shape)).astype(int)
    levels = np.zeros((2, 3, 10, 12), int)
    for offset, value in enumerate((given, first, rest - first)):
        np.put_along_axis(levels, ((labels + offset) % 3)[:, None], value[:, None], axis=1)
    return labels, levels


def product(labels, levels):
    """Thresholds, image scores and error pixels as the product computes them from its maps."""
    probabilities = levels / 255
    images = []
    for label, level in zip(labels, levels, strict=True):
        given = np.take_along_axis(level, np.where(label == VOID, 0, label)[None], 0)[0]
        images.append(Maps(*(one.astype(np.uint8) for one in (label, level.argmax(0), given, level.max(0)))))
    sums = [probabilities[:, kind][labels == kind].sum() for kind in range(3)]
    thresholds = confident_thresholds(np.array(sums), np.bincount(labels[labels != VOID], minlength=3))
    level = last_level(sum(map(count_levels, images)), sum(count_errors(one, thresholds) for one in images))
    quality = [label_quality(one.given[one.label != VOID] / 255) for one in images]
    return thresholds, quality, np.stack([find_errors(one, level) for one in images])


def directly(labels, probabilities):
    """The formulas over whole arrays: Northcutt et al. for thresholds and count, Lad and Mueller for the scores."""
    pixels, given = probabilities.transpose(0, 2, 3, 1).reshape(-1, 3), labels.ravel()
    thresholds = np.array([pixels[given == kind, kind].mean() for kind in range(3)])
    best = pixels.argmax(1)
    count = sum(best[i] != given[i] and pixels[i, best[i]] >= thresholds[best[i]] - 1e-6 for i in range(len(given)))
    own = pixels[np.arange(len(given)), given]
    errors = np.zeros(len(given), bool)
    errors[np.argsort(own)[:count]] = True
    errors &= best != given
    quality = []
    for values in own.reshape(len(labels), -1):
        weights = np.exp((1 - values) / 0.1)
        quality.append((values * weights).sum() / weights.sum())
    return thresholds, quality, errors.reshape(labels.shape)


def test_streamed_maps_give_what_the_formulas_give(arrays):
    labels, levels = arrays
    found, expected = product(labels, levels), directly(labels, levels / 255)
    assert found[0] == pytest.approx(expected[0], abs=1e-6)
    assert found[1] == pytest.approx(expected[1], abs=1e-6)
    assert (found[2] == expected[2]).all() and found[2].any()


def test_streamed_maps_give_what_cleanlab_gives(arrays):
    segmentation = pytest.importorskip('cleanlab.segmentation.filter', reason='cleanlab is not installed')
    rank = pytest.importorskip('cleanlab.segmentation.rank')
    labels, levels = arrays
    _, quality, errors = product(labels, levels)
    options = dict(verbose=False, n_jobs=1)
    assert (errors == segmentation.find_label_issues(labels, levels / 255, **options)).all()
    scores, _ = rank.get_label_quality_scores(labels, levels / 255, **options)
    assert quality == pytest.approx(scores, abs=1e-6)


def test_void_changes_nothing_elsewhere(arrays):
    labels, levels = arrays
    expected = product(labels, levels)
    wider = np.pad(labels, ((0, 0), (0, 3), (0, 0)), constant_values=VOID)
    found = product(wider, np.pad(levels, ((0, 0), (0, 0), (0, 3), (0, 0)), mode='edge'))
    assert found[0] == pytest.approx(expected[0]) and found[1] == pytest.approx(expected[1])
    assert (found[2][:, :10] == expected[2]).all() and not found[2][:, 10:].any()
