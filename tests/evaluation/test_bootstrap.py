import math

import pytest
import torch

from mmseg_custom.evaluation import bootstrap, gain_interval, miou_interval, scores_of
from mmseg_custom.evaluation.bootstrap import area_intervals, resampled_miou


def matrices(hits, of=100):
    """Images of two classes, of whose first class `hits` pixels are right."""
    return torch.stack([torch.tensor([[right, of - right], [0, of]]) for right in hits])


def test_equal_images_have_one_score_and_no_spread():
    found = matrices([60, 60, 60])
    miou = scores_of(found.sum(0))['mIoU']
    assert resampled_miou(found, 5) == pytest.approx([miou] * 5)
    assert miou_interval(found) == pytest.approx((miou, miou))


def test_interval_contains_the_score_and_grows_with_the_spread():
    little, much = matrices([55, 60, 65] * 20), matrices([20, 60, 100] * 20)
    score = scores_of(little.sum(0))['mIoU']
    low, high = miou_interval(little)
    assert low < score < high
    wide = miou_interval(much)
    assert wide[1] - wide[0] > 4 * (high - low)
    assert miou_interval(little) == (low, high)


def test_two_images_are_drawn_as_the_binomial_says():
    scores = resampled_miou(matrices([0, 100]), resamples=4000)
    lowest, middle, highest = (scores_of(matrices(hits).sum(0))['mIoU'] for hits in ([0, 0], [0, 100], [100, 100]))
    shares = [float((scores - value).abs().lt(1e-9).double().mean()) for value in (lowest, middle, highest)]
    assert shares == pytest.approx([0.25, 0.5, 0.25], abs=0.03)


def test_paired_difference_is_narrower_than_the_intervals():
    before = matrices([20, 60, 100] * 20)
    after = matrices([22, 62, 98] * 20)
    low, high = gain_interval(before, after)
    assert low < high < 2
    one = miou_interval(before)
    assert high - low < (one[1] - one[0]) / 4
    assert gain_interval(before, before) == gain_interval(before, before, seed=7) == (0.0, 0.0)
    assert (low, high) == gain_interval(before, after, seed=0)
    with pytest.raises(ValueError, match='same images'):
        gain_interval(before, after[1:])


def areas_of(found):
    """Intersection, prediction and label of each class in each image."""
    return torch.stack([found.diagonal(dim1=1, dim2=2), found.sum(1), found.sum(2)], dim=1)


@pytest.mark.parametrize('options', [{}, {'level': 0.5, 'resamples': 60, 'seed': 3}])
def test_areas_are_enough_for_the_intervals_of_confusion_matrices(options):
    found = matrices([20, 60, 100, 40, 80] * 4)
    score, classes = area_intervals(areas_of(found), **options)
    assert score == pytest.approx(miou_interval(found, **options))
    first, second = (areas_of(found)[:, :, [k]] for k in (0, 1))
    assert classes == [area_intervals(first, **options)[0], area_intervals(second, **options)[0]]
    assert classes[0][0] < score[0] and len(classes) == 2


def test_images_of_a_group_are_drawn_together():
    found = matrices([20, 60, 100, 40, 80, 10])
    groups = ['b', 'a', 'b', 'c', 'a', 'b']
    summed = torch.stack([found[[0, 2, 5]].sum(0), found[[1, 4]].sum(0), found[[3]].sum(0)])
    assert area_intervals(areas_of(found), groups) == area_intervals(areas_of(summed))
    assert area_intervals(areas_of(found), groups) != area_intervals(areas_of(found))


def test_a_class_that_no_image_shows_has_no_interval():
    found = torch.zeros(3, 2, 2, dtype=torch.int64)
    found[:, 0, 0] = 5
    score, (present, absent) = area_intervals(areas_of(found))
    assert score == present == (100.0, 100.0)
    assert all(map(math.isnan, absent))


def test_classes_that_do_not_occur_do_not_count():
    found = torch.zeros(3, 3, 3, dtype=torch.int64)
    found[:, 0, 0] = 5
    assert miou_interval(found) == (100.0, 100.0)


def test_intervals_leave_a_fortieth_of_the_resamples_out_at_each_end(monkeypatch):
    monkeypatch.setattr(bootstrap, 'resampled_miou', lambda images, *_: torch.arange(1001.0) * images.flatten()[0])
    one, three = torch.full((1, 1, 1), 1.0), torch.full((1, 1, 1), 3.0)
    assert miou_interval(one) == pytest.approx((25.0, 975.0))
    assert gain_interval(one, three) == pytest.approx((50.0, 1950.0))
    assert gain_interval(three, one, level=0.5) == pytest.approx((-1500.0, -500.0))


def test_resamples_do_not_depend_on_how_many_are_in_memory(monkeypatch):
    found = matrices([20, 60, 100] * 20)
    expected = resampled_miou(found, 50)
    for most in (1, 150, 2999):
        monkeypatch.setattr(bootstrap, 'MOST_DRAWN', most)
        assert torch.equal(resampled_miou(found, 50), expected)
