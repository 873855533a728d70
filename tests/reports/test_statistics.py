import math

import numpy as np
import pytest

from mmseg_custom.reports.findings.statistics import correlation, mean_and_deviation, restart_positions, row_shares


def test_mean_and_sample_deviation():
    assert mean_and_deviation([2.0, 4.0, 9.0, math.nan]) == pytest.approx((5.0, math.sqrt((9 + 1 + 16) / 2)))
    mean, deviation = mean_and_deviation([3.0])
    assert mean == 3.0
    assert math.isnan(deviation)
    assert math.isnan(mean_and_deviation([])[0])


def test_correlation_by_hand():
    # x - mean: -1, 0, 1; y - mean: -4/3, 2/3, 2/3; r = 2 / sqrt(2 * 8/3)
    assert correlation([1, 2, 3], [1, 3, 3]) == pytest.approx(2 / math.sqrt(2 * 8 / 3))
    assert correlation([1, 2, 3, 9], [6, 4, 2, math.nan]) == pytest.approx(-1)
    assert math.isnan(correlation([1, 2], [1, 2]))
    assert math.isnan(correlation([1, 2, 3], [5, 5, 5]))


def test_a_rate_restarts_where_it_rises_after_a_fall():
    assert restart_positions([4, 2, 1, 4, 3, 2, 1, 4]) == [3, 7]
    assert restart_positions([1, 2, 4, 3]) == []
    assert restart_positions([4]) == []


def test_rows_without_pixels_have_no_shares():
    shares = row_shares(np.array([[3, 1], [0, 0]]))
    assert shares[0].tolist() == [0.75, 0.25]
    assert np.isnan(shares[1]).all()
