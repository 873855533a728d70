import numpy as np

from mmseg_custom.evaluation.calibration import Bins
from mmseg_custom.reports.charts.reliability import reliability_view
from mmseg_custom.reports.pictures import render


def test_the_diagram_has_a_point_for_each_bin_with_pixels():
    bins = Bins(np.array([0, 10, 30]), np.array([0, 4, 27]), np.array([0.0, 5.0, 24.0]), 1.0)
    view = reliability_view({'temperature 1': bins, 'temperature 1.50': bins})
    first = [row for row in max(view['datasets'].values(), key=len) if row.get('series') == 'temperature 1']
    assert [(row['confidence'], row['right'], row['share']) for row in first] == [(50, 40, 25), (80, 90, 75)]
    svg, _ = render(view)
    assert 'temperature 1.50' in svg and 'pixels that are right, %' in svg
