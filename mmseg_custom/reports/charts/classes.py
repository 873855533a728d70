"""What has a row a class: bars, dots, and matrices of shaded cells."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from mmseg_custom.reports.charts.figure import TEXT, describe, hover, series_legend, series_scale, shown_series, table

SHADES = ('#ffffff', '#6baed6', '#08306b')
DARK = 0.55  # the shade from which on text is white
ROW, CELL = 24, 30  # pixels
SHAPES = ('circle', 'diamond', 'square', 'triangle-up', 'cross', 'triangle-down')


def class_bar_view(classes: Sequence[str], values: Sequence[float], colours: Sequence[str]) -> dict[str, Any]:
    """Describe a bar a class in the colour of the class, its value beside it."""
    rows = zip(classes, values, colours, strict=True)
    base = alt.Chart(table({'class': c, 'x': x, 'colour': colour} for c, x, colour in rows)).encode(
        y=_class_axis(classes), x=_iou_axis()
    )
    tips = hover(('class:N', 'class'), ('x:Q', 'IoU in %'))
    bars = base.mark_bar(stroke='#444444', strokeWidth=0.5, height={'band': 0.75})
    label = alt.Text('x:Q', format='.1f')
    return describe(
        alt.layer(
            bars.encode(color=alt.Color('colour:N', scale=None), tooltip=tips),
            base.mark_text(align='left', dx=4).encode(text=label),
        ),
        ROW * len(classes),
    )


def class_dot_view(
    classes: Sequence[str], series: Mapping[str, Sequence[float]], colours: Mapping[str, str]
) -> dict[str, Any]:
    """Describe several values a class, a dot each in colour and shape of its series."""
    rows = [
        {'series': name, 'class': one, 'x': value}
        for name, values in series.items()
        for one, value in zip(classes, values, strict=True)
        if math.isfinite(value)
    ]
    shown = shown_series(list(series))
    shapes = [SHAPES[i % len(SHAPES)] for i in range(len(series))]
    legend = series_legend(colours)
    shape = alt.Shape('series:N', scale=alt.Scale(domain=list(series), range=shapes), legend=legend)
    colour = alt.Color('series:N', scale=series_scale(colours), legend=legend)
    tips = hover(('series:N', 'model'), ('class:N', 'class'), ('x:Q', 'IoU in %'))
    dots = alt.Chart(table(rows)).mark_point(filled=True, size=55, opacity=0.85).transform_filter(shown)
    grid = alt.Axis(grid=True, domain=False, ticks=False, labelLimit=180)
    chart = dots.encode(y=_class_axis(classes, grid), x=_iou_axis(), color=colour, shape=shape, tooltip=tips)
    return describe(chart.add_params(shown), ROW * len(classes))


def _class_axis(classes: Sequence[str], axis: alt.Axis | None = None) -> alt.Y:
    axis = axis or alt.Axis(domain=False, ticks=False, labelLimit=180)
    return alt.Y('class:N', sort=list(classes), scale=alt.Scale(domain=list(classes)), title=None, axis=axis)


def _iou_axis() -> alt.X:
    return alt.X('x:Q', title='IoU in %', scale=alt.Scale(domain=[0, 100], nice=False), axis=alt.Axis(tickCount=10))


@dataclass(frozen=True)
class Cells:
    """One reading of a matrix: the shade (0 to 1, NaN for none) and the text of every cell."""

    shades: Sequence[Sequence[float]]
    texts: Sequence[Sequence[str]]


def matrix_view(
    rows: Sequence[str], columns: Sequence[str], cells: Cells, titles: tuple[str | None, str], turned: bool = False
) -> dict[str, Any]:
    """Describe shaded cells with their numbers.

    Args:
        rows: Their names, from top to bottom.
        columns: Their names, from left to right.
        cells: Shades and texts.
        titles: Of the rows and of the columns.
        turned: Whether the names of the columns are long.
    """
    data = [
        {'row': row, 'column': column, 'shade': round(cells.shades[i][j], 3), 'text': cells.texts[i][j]}
        for i, row in enumerate(rows)
        for j, column in enumerate(columns)
        if math.isfinite(cells.shades[i][j])
    ]
    names = {'domain': False, 'ticks': False, 'labelLimit': 180}
    top = alt.Axis(orient='top', labelAngle=-45 if turned else 0, **names)
    base = alt.Chart(table(data)).encode(
        x=alt.X('column:N', scale=alt.Scale(domain=list(columns)), sort=list(columns), title=titles[1], axis=top),
        y=alt.Y(
            'row:N', scale=alt.Scale(domain=list(rows)), sort=list(rows), title=titles[0], axis=alt.Axis(**names)
        ),
    )
    shade = alt.Color(
        'shade:Q', scale=alt.Scale(domain=[0, 0.5, 1], range=list(SHADES), interpolate='rgb'), legend=None
    )
    dark = alt.condition(f'datum.shade > {DARK}', alt.value('#ffffff'), alt.value(TEXT))
    tips = hover(('row:N', titles[0] or 'class'), ('column:N', titles[1]), ('text:N', 'value'))
    squares = base.mark_rect(stroke='#ffffff').encode(color=shade, tooltip=tips)
    return describe(alt.layer(squares, base.mark_text().encode(text='text:N', color=dark)), ROW * len(rows))


def matrix_width(rows: Sequence[str], columns: Sequence[str]) -> int:
    """The least width in pixels at which the numbers can be read."""
    return 40 + 7 * min(25, max(map(len, rows))) + CELL * len(columns)
