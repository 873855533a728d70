"""Lines over the epochs of all stages, or over the position on a path."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import altair as alt

from mmseg_custom.reports.charts.figure import (
    ACCENT,
    QUIET,
    STAR,
    Row,
    describe,
    hover,
    series_legend,
    series_scale,
    shown_series,
    table,
)

HEIGHT = 260
DOT, SMALL_DOT, MANY = 22, 8, 300  # square pixels; the number of points from which they are small
LABEL = 16  # pixels that the names of the stages take above
FEW = 4  # stages that are named in full
STAGE_RULE = '#9aa1a9'
Interval = tuple[float, float]
NO_INTERVAL = (math.nan, math.nan)


@dataclass(frozen=True)
class Line:
    """A line through points (x, y), NaN leaves a gap; around it a band, the lower and upper end at every point."""

    name: str
    colour: str
    points: Sequence[tuple[float, float]]
    dashed: bool = False
    band: Sequence[Interval] = ()


@dataclass(frozen=True)
class Marks:
    """What stands behind and above lines over epochs.

    Attributes:
        stages: First epoch and number of every stage.
        restarts: Epochs at which the learning rate starts anew.
        stars: Epoch and value of every winner.
    """

    stages: Sequence[tuple[float, int]] = ()
    restarts: Sequence[float] = ()
    stars: Sequence[tuple[float, float]] = ()


def line_view(lines: Sequence[Line], x_title: str, y_title: str, marks: Marks = Marks(), log: bool = False) -> dict:
    """Describe lines with a point for each value.

    Args:
        lines: Those of one name share colour and legend entry.
        x_title: What they go over.
        y_title: Of their values, with the unit.
        marks: Stages, restarts and winners.
        log: Whether the values stand on a logarithmic axis; those that are not positive are left out.
    """
    shown = shown_series(list(dict.fromkeys(line.name for line in lines)))
    x = alt.X('x:Q', title=x_title, scale=alt.Scale(nice=False, zero=False), axis=_x_axis(bool(marks.stages)))
    y = alt.Y('y:Q', title=y_title, scale=alt.Scale(type='log') if log else alt.Scale(zero=False), axis=_y_axis(log))
    rows = [{'piece': i, **row} for i, row in enumerate(_rows(lines, log))]
    banded = any('low' in row for row in rows)
    columns = ['x', 'y', 'low', 'high'] if banded else ['x', 'y']
    base = alt.Chart(table(rows)).transform_flatten(columns).transform_filter(shown).encode(x=x, y=y)
    dash = alt.StrokeDash('dashed:N', legend=None, scale=alt.Scale(domain=[False, True], range=[[1, 0], [5, 4]]))
    colours = {line.name: line.colour for line in lines}
    above = LABEL if marks.stages else 0
    scale, legend = series_scale(colours), series_legend(colours, above, symbolType='stroke', symbolStrokeWidth=3)
    colour = alt.Color('series:N', scale=scale, legend=legend)
    tips = hover(('series:N', 'run'), ('x:Q', x_title), numbers='~g') + hover(('y:Q', y_title), numbers='.4~g')
    # The stroke that is not seen makes a point easier to meet.
    points = base.mark_point(
        filled=True,
        size=DOT if sum(len(row['x']) for row in rows) < MANY else SMALL_DOT,
        opacity=1,
        stroke='transparent',
        strokeWidth=9,
    )
    layers = [
        *_rules(marks),
        *([_band(base, colour)] if banded else []),
        base.mark_line(strokeWidth=1.8).encode(color=colour, detail='piece:N', strokeDash=dash).add_params(shown),
        points.encode(color=colour, tooltip=tips),
        *_stars(marks.stars),
    ]
    return describe(alt.layer(*layers), HEIGHT)


def _rows(lines: Sequence[Line], log: bool) -> Iterator[Row]:
    """A row a piece of a line between two gaps, its points as lists: they take a fifth of the room of a row each."""
    for line in lines:
        points = zip(line.points, line.band or [NO_INTERVAL] * len(line.points), strict=True)
        known = [(x, y, *ends) if y > 0 or (not log and y <= 0) else None for (x, y), ends in points]
        for is_gap, piece in groupby(known, key=lambda point: point is None):
            if not is_gap:
                x, y, low, high = (list(map(_short, column)) for column in zip(*piece, strict=True))
                ends = {'low': low, 'high': high} if line.band else {}
                yield {'series': line.name, 'dashed': line.dashed, 'x': x, 'y': y, **ends}


def _short(value: float) -> float | None:
    return float(f'{value:.6g}') if math.isfinite(value) else None


def _x_axis(whole: bool) -> alt.Axis:
    return (
        alt.Axis(grid=False, tickMinStep=1, format='d', tickCount=alt.ExprRef('ceil(width / 60)'))
        if whole
        else alt.Axis(grid=False, format='~g')
    )


def _y_axis(log: bool) -> alt.Axis:
    return alt.Axis(format='.0e', tickCount=5) if log else alt.Axis(tickCount=6)


def _band(base: alt.Chart, colour: alt.Color) -> alt.Chart:
    area = base.transform_filter('isValid(datum.low)').mark_area(fillOpacity=0.15)
    return area.encode(y=alt.Y('low:Q'), y2='high:Q', color=colour, detail='piece:N')


def _rules(marks: Marks) -> list[alt.Chart]:
    stages = [
        {'start': x, 'label': f'stage {number}' if len(marks.stages) <= FEW else str(number)}
        for x, number in marks.stages
    ]
    at = alt.X('start:Q')
    named = alt.Chart(table(stages))
    dotted = alt.Chart(table({'start': x} for x in marks.restarts))
    above: dict[str, Any] = {'align': 'left', 'baseline': 'bottom', 'dx': 2, 'dy': -2, 'y': 0, 'color': QUIET}
    rules = [named.mark_rule(color=STAGE_RULE).encode(x=at), named.mark_text(**above).encode(x=at, text='label:N')]
    restarts = [dotted.mark_rule(color=ACCENT, strokeDash=[1, 3]).encode(x=at)] if marks.restarts else []
    return [*rules, *restarts] if marks.stages else []


def _stars(stars: Sequence[tuple[float, float]]) -> list[alt.Chart]:
    if not stars:
        return []
    base = alt.Chart(table({'end': x, 'star': y} for x, y in stars)).encode(x='end:Q', y='star:Q')
    tips = hover(('star:Q', 'winner on val'))
    return [
        base.mark_point(shape=STAR, size=60, filled=True, opacity=1, color='#000000').encode(tooltip=tips),
        base.mark_text(dy=-11, stroke='#ffffff', strokeWidth=3).encode(text=alt.Text('star:Q', format='.1f')),
        base.mark_text(dy=-11).encode(text=alt.Text('star:Q', format='.1f')),
    ]
