"""Scores side by side, stage by stage: a dot each, with intervals, means and deviations."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from mmseg_custom.reports.charts.figure import Row, describe, hover, series_legend, series_scale, shown_series, table

HEIGHT = 260
AXES = 70  # pixels beside the plot
SLOT = 6  # the least pixels between two dots
NO_INTERVAL = (math.nan, math.nan)
MEAN = 'mean'
LINE = 13  # the height of a line of text in pixels


@dataclass(frozen=True)
class Dots:
    """A score a stage, NaN for none.

    Attributes:
        marks: A sign above each (a star, say).
        hollow: Whether they are rings.
        intervals: Lower and upper end of a whisker a dot, NaN for none.
    """

    name: str
    colour: str
    values: Sequence[float]
    marks: Sequence[str] = ()
    hollow: bool = False
    intervals: Sequence[tuple[float, float]] = ()


def dot_view(
    stages: Sequence[int],
    series: Sequence[Dots],
    y_title: str,
    means: Sequence[tuple[float, float]] = (),
    heads: Sequence[str] = (),
) -> dict[str, Any]:
    """Describe scores by stage; those of a stage stand close together, whichever series are missing there.

    Args:
        stages: Their numbers.
        series: A score for each of them.
        y_title: Of the scores, with the unit.
        means: Mean and deviation of a stage, NaN for none; they stand to the right of its dots, and above the figure.
        heads: What stands above the figure instead, a line a stage.
    """
    rows = _rows(stages, series, means)
    reach = max((abs(row['slot']) for row in rows), default=0) + 0.8
    colours = {one.name: one.colour for one in series} | ({MEAN: '#000000'} if means else {})
    shown = shown_series(list(colours))
    x = alt.X('stage:N', sort=[str(stage) for stage in stages], title='stage', axis=alt.Axis(labelAngle=0))
    offset = alt.XOffset('slot:Q', scale=alt.Scale(domain=[-reach, reach]))
    y = alt.Y('y:Q', title=y_title, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=6))
    base = alt.Chart(table(rows)).transform_filter(shown).encode(x=x, xOffset=offset, y=y)
    heads = heads or [_spread(*mean) for mean in means]
    scale, legend = series_scale(colours), series_legend(colours, LINE * _lines(heads), symbolType='circle')
    colour = alt.Color('series:N', scale=scale, legend=legend)
    tips = hover(('series:N', 'model'), ('stage:N', 'stage'), ('y:Q', y_title), ('note:N', ' '))
    dots = base.transform_filter('!datum.hollow').mark_point(filled=True, size=40, opacity=1)
    rings = base.transform_filter('datum.hollow').mark_point(size=32, fill='#ffffff', strokeWidth=2, opacity=1)
    whiskers = base.transform_filter('isValid(datum.low)').mark_rule(strokeWidth=1.4)
    layers = [
        *([whiskers.encode(y='low:Q', y2='high:Q', color=colour)] if any(map(_whisker, rows)) else []),
        dots.encode(color=colour, tooltip=tips).add_params(shown),
        *([rings.encode(color=colour, tooltip=tips)] if any(row['hollow'] for row in rows) else []),
        base.mark_text(dy=-6, baseline='bottom').encode(y='top:Q', text='mark:N'),
        *([_heads(stages, heads, x)] if any(heads) else []),
    ]
    return describe(alt.layer(*layers), HEIGHT)


def _whisker(row: Row) -> bool:
    return math.isfinite(row['low'])


def _lines(heads: Sequence[str]) -> int:
    return max((1 + head.count('\n') for head in heads if head), default=0)


def _heads(stages: Sequence[int], heads: Sequence[str], x: alt.X) -> alt.Chart:
    rows = [{'stage': str(stage), 'head': head} for stage, head in zip(stages, heads, strict=True)]
    text = alt.Chart(table(rows)).mark_text(
        y=0, dy=-LINE * _lines(heads), baseline='top', lineBreak='\n', lineHeight=LINE
    )
    return text.encode(x=x, text='head:N')


def _spread(mean: float, deviation: float) -> str:
    if math.isnan(mean):
        return ''
    return f'{mean:.1f}' + ('' if math.isnan(deviation) else f'\n± {deviation:.1f}')


def dots_width(stages: Sequence[int], series: Sequence[Dots]) -> int:
    """The least width in pixels at which nothing lies on each other."""
    slots = max((sum(math.isfinite(one.values[i]) for one in series) for i in range(len(stages))), default=0)
    return AXES + len(stages) * max(46, SLOT * (slots + 2))


def _rows(stages: Sequence[int], series: Sequence[Dots], means: Sequence[tuple[float, float]]) -> list[Row]:
    rows = []
    for i, stage in enumerate(stages):
        there = [_row(one, i) for one in series if math.isfinite(one.values[i])]
        there += [_mean(*means[i], len(there))] if _has_mean(means, i) else []
        rows += [{'stage': str(stage), 'slot': k - (len(there) - 1) / 2, **row} for k, row in enumerate(there)]
    return rows


def _has_mean(means: Sequence[tuple[float, float]], i: int) -> bool:
    return bool(means) and math.isfinite(means[i][0])


def _row(one: Dots, i: int) -> Row:
    low, high = one.intervals[i] if one.intervals else NO_INTERVAL
    value, mark = one.values[i], one.marks[i] if one.marks else ''
    known = math.isfinite(low)
    return {
        'series': one.name,
        'y': value,
        'low': low,
        'high': high,
        'top': high if known else value,
        'hollow': one.hollow,
        'mark': mark,
        'note': f'95 % interval {low:.2f} to {high:.2f}' if known else '',
    }


def _mean(mean: float, deviation: float, count: int) -> Row:
    spread = 0.0 if math.isnan(deviation) else deviation
    return {
        'series': MEAN,
        'y': mean,
        'low': mean - spread,
        'high': mean + spread,
        'top': mean + spread,
        'hollow': False,
        'mark': '',
        'note': f'± {spread:.2f} over {count}' if spread else '',
    }
