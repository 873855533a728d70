"""Charts as Plotly figures: plain dicts, checked against Plotly's schema in the tests."""

import html
import math
from collections.abc import Sequence
from functools import singledispatch
from typing import Any

from mmseg_custom.reports.charts.kinds import FAINT, TEXT, Chart

AXIS = {'gridcolor': '#e6e8eb', 'zeroline': False, 'automargin': True, 'linecolor': FAINT}


@singledispatch
def plotly_figure(chart: Chart) -> dict[str, Any]:
    """A chart as ``data`` and ``layout`` of Plotly, with the page's ``minWidth`` in pixels."""
    raise TypeError(f'{type(chart).__name__} has no Plotly figure.')


def plain_text(text: str) -> str:
    """Text that Plotly shows as it is: it reads a few tags of HTML."""
    return html.escape(text, quote=False)


def numbers(values: Sequence[float]) -> list[float | None]:
    """JSON knows no NaN; Plotly leaves a gap for null."""
    return [value if math.isfinite(value) else None for value in values]


def figure(data: list[dict], height: int, min_width: int = 0, **layout: Any) -> dict[str, Any]:
    """A figure of traces, with the page's look for what ``layout`` leaves open; sizes in pixels."""
    base = {
        'height': height,
        'margin': {'l': 48, 'r': 12, 't': 24, 'b': 52},
        'font': {'family': 'system-ui, sans-serif', 'size': 12, 'color': TEXT},
        'legend': {'orientation': 'h', 'y': 1.08, 'yanchor': 'bottom', 'x': 0},
        'paper_bgcolor': '#ffffff',
        'plot_bgcolor': '#ffffff',
        'xaxis': AXIS,
        'yaxis': AXIS,
    }
    return {'data': data, 'layout': base | layout, 'minWidth': min_width}
