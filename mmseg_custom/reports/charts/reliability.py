"""The reliability diagram: how often pixels of a probability are right."""

from collections.abc import Mapping
from typing import Any

import altair as alt
import numpy as np

from mmseg_custom.evaluation.calibration import Bins
from mmseg_custom.reports.charts.figure import QUIET, SERIES, Row, describe, hover, series_legend, series_scale, table

SIDE = 360  # pixels


def reliability_view(series: Mapping[str, Bins]) -> dict[str, Any]:
    """Describe the bins of some series by their names: share of right pixels over mean probability, in percent."""
    colours = dict(zip(series, SERIES, strict=False))
    rows = [row for name, bins in series.items() for row in _rows(name, bins)]
    axis = alt.Scale(domain=[0, 100])
    x = alt.X('confidence:Q', title='probability of the predicted class, %', scale=axis)
    y = alt.Y('right:Q', title='pixels that are right, %', scale=axis)
    tips = hover(
        ('series:N', ''), ('confidence:Q', 'probability, %'), ('right:Q', 'right, %'), ('share:Q', 'pixels, %')
    )
    base = alt.Chart(table(rows)).encode(x=x, y=y, tooltip=tips)
    colour = alt.Color('series:N', scale=series_scale(colours), legend=series_legend(list(series)))
    ideal = alt.Chart(table([{'confidence': end, 'right': end} for end in (0, 100)]))
    diagonal = ideal.mark_line(color=QUIET, strokeDash=[4, 4], strokeWidth=1).encode(x=x, y=y)
    lines = base.mark_line(strokeWidth=1.5).encode(color=colour)
    dots = base.mark_point(filled=True, opacity=1).encode(
        color=colour, size=alt.Size('share:Q', legend=None, scale=alt.Scale(range=[15, 300]))
    )
    return describe(alt.layer(diagonal, lines, dots), SIDE, SIDE)


def _rows(name: str, bins: Bins) -> list[Row]:
    total = bins.pixels.sum()
    return [
        {
            'series': name,
            'confidence': float(100 * bins.confidence[at] / bins.pixels[at]),
            'right': float(100 * bins.right[at] / bins.pixels[at]),
            'share': float(100 * bins.pixels[at] / total),
        }
        for at in np.flatnonzero(bins.pixels)
    ]
