import numpy as np
import pytest

from mmseg_custom.evaluation.kept_predictions import Maps
from mmseg_custom.label_errors.components import away_from_boundaries, find_components


@pytest.fixture
def maps():
    """A label of class 0 with a column of class 1; class 2 is predicted in a block of 2 x 3 and at one pixel."""
    label = np.zeros((6, 8), np.uint8)
    label[:, 7] = 1
    classes, given, best = label.copy(), np.full((6, 8), 255, np.uint8), np.full((6, 8), 255, np.uint8)
    classes[1:3, 1:4] = classes[5, 5] = 2
    given[classes == 2], best[classes == 2] = 31, 127  # 4 times as probable
    given[1, 1], best[1, 1] = 0, 255  # 256 times
    return Maps(label, classes, given, best)


def test_a_component_has_classes_place_size_and_score(maps):
    errors = maps.label != maps.classes
    block, pixel = find_components('a', maps, errors, 0, least=1)
    assert (block.given, block.suggested, block.pixels, block.box) == (0, 2, 6, (1, 1, 3, 2))
    assert block.score == pytest.approx((4**5 * 256) ** (1 / 6))
    assert [list(outline) for outline in block.polygons] == [[1, 1, 1, 2, 3, 2, 3, 1]]
    assert block.key == 'a:0>2:1,1,3,2'
    assert (pixel.pixels, pixel.box) == (1, (5, 5, 1, 1))
    assert [one.pixels for one in find_components('a', maps, errors, 0, least=2)] == [6]


def test_the_given_class_is_that_of_most_pixels(maps):
    maps.label[1:3, 1:2], maps.label[1, 2] = 1, 1
    assert find_components('a', maps, maps.classes == 2, 0, least=2)[0].given == 0
    maps.label[2, 2] = 1
    assert find_components('a', maps, maps.classes == 2, 0, least=2)[0].given == 1


def test_a_band_on_both_sides_of_a_boundary_is_taken_out(maps):
    kept = away_from_boundaries(maps.label, 2)
    assert kept[0].tolist() == [True] * 5 + [False] * 3
    assert away_from_boundaries(maps.label, 0).all()


def test_what_is_more_than_a_band_grows_back_into_it():
    """Class 2 is predicted on 7 columns left of a boundary and 2 right of it."""
    label = np.repeat(np.array([[0] * 10 + [1] * 6], np.uint8), 5, axis=0)
    classes = label.copy()
    classes[:, 3:12] = 2
    maps = Maps(label, classes, np.zeros_like(label), np.full_like(label, 255))
    (found,) = find_components('a', maps, label != classes, boundary=3, least=20)
    assert (found.given, found.box, found.pixels) == (0, (3, 0, 7, 5), 35)
    assert find_components('a', maps, label != classes, boundary=3, least=21) == []
    assert found.mask(label.shape).sum() == 35


def test_the_pixels_of_a_ring_are_not_those_of_what_it_surrounds():
    label, classes = np.zeros((12, 12), np.uint8), np.zeros((12, 12), np.uint8)
    classes[1:11, 1:11] = 1
    classes[3:9, 3:9] = 0
    classes[5:7, 5:7] = 1  # Another component, in the hole.
    best = np.full_like(label, 200)
    errors = classes == 1
    found = find_components('a', Maps(label, classes, np.zeros_like(label), best), errors, 0, 1)
    ring, island = sorted(found, key=lambda one: -one.pixels)
    assert (ring.pixels, island.pixels) == (64, 4)
    assert (ring.pixels_among(errors) | island.pixels_among(errors)).sum() == 68
    assert ring.pixels_among(errors).sum() == 64 and not ring.pixels_among(errors)[5, 5]


def test_components_of_a_class_that_lie_anywhere_are_where_they_are():
    label = np.zeros((40, 50), np.uint8)
    classes = label.copy()
    boxes = {(2, 1, 4, 3), (44, 20, 6, 5), (30, 36, 5, 4)}  # Two of them at the edge.
    for left, top, width, height in boxes:
        classes[top : top + height, left : left + width] = 1
    maps = Maps(label, classes, np.zeros_like(label), np.full_like(label, 255))
    found = find_components('a', maps, classes == 1, boundary=2, least=5)
    assert {one.box for one in found} == boxes
    for one in found:
        left, top, width, height = one.box
        assert one.mask(label.shape)[top : top + height, left : left + width].all()
