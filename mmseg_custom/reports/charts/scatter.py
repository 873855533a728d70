"""Named points over a logarithmic axis."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import altair as alt

from mmseg_custom.reports.charts.figure import LETTER, Row, describe, hover, table

HEIGHT, LEAST_WIDTH = 400, 640
# A logarithmic axis over as many decades or more has numbers at powers of ten alone.
DENSE_DECADES = 3
# Where a name may stand: alignment and pixels to the right and down from the point.
PLACES = (('left', 9, 0), ('right', -9, 0), ('center', 0, -13), ('center', 0, 14), ('left', 7, -11), ('left', 7, 12))
LINE = 13  # the height of a name in pixels

Point = tuple[str, float, float, str]
Rectangle = tuple[float, float, float, float]


def scatter_view(points: Sequence[Point], x_title: str, y_title: str) -> dict[str, Any]:
    """Describe points (name, x, y, colour), x logarithmic, each with its name where it lies on no other."""
    ticks = log_ticks([x for _, x, _, _ in points])
    x = alt.X('x:Q', title=x_title, scale=alt.Scale(type='log', nice=False, domain=_domain(points), padding=30))
    x.axis = alt.Axis(values=ticks, format='~g')
    y = alt.Y('y:Q', title=y_title, scale=alt.Scale(zero=False, nice=True))
    base = alt.Chart(table(_rows(points))).encode(x=x, y=y)
    dots = base.mark_point(filled=True, size=100, opacity=1, stroke='#333333', strokeWidth=1)
    tips = [*hover(('name:N', 'class')), *hover(('x:Q', x_title), numbers='.3~g'), *hover(('y:Q', y_title))]
    names = base.mark_text(
        align=alt.ExprRef('datum.align'), dx=alt.ExprRef('datum.dx'), dy=alt.ExprRef('datum.dy')
    ).encode(text='name:N')
    return describe(alt.layer(dots.encode(color=alt.Color('colour:N', scale=None), tooltip=tips), names), HEIGHT)


def log_ticks(values: Sequence[float]) -> list[float]:
    """Where a logarithmic axis has its numbers: at powers of ten; over fewer decades between them, too."""
    logarithms = [math.log10(value) for value in values] or [0.0]
    first, last = min(logarithms), max(logarithms)
    steps = range(1, 10) if last - first < 1 else (1, 2, 5) if last - first < DENSE_DECADES else (1,)
    return [step * 10.0**power for power in range(math.floor(first), math.floor(last) + 2) for step in steps]


def _domain(points: Sequence[Point]) -> list[float]:
    values = [x for _, x, _, _ in points] or [1.0]
    return [min(values) / 1.1, max(values) * 1.1]


def _rows(points: Sequence[Point]) -> Iterator[Row]:
    """Give each point the first place for its name that is free, at the least width: wider there is more room."""
    spots = _spots(points)
    taken = [(x - 6, y - 6, x + 6, y + 6) for x, y in spots]
    for (name, x, y, colour), spot in zip(points, spots, strict=True):
        boxes = [_box(name, spot, place) for place in PLACES]
        best = min(range(len(PLACES)), key=lambda i: sum(_overlap(boxes[i], other) for other in taken))
        taken.append(boxes[best])
        align, dx, dy = PLACES[best]
        yield {'name': name, 'x': x, 'y': y, 'colour': colour, 'align': align, 'dx': dx, 'dy': dy}


def _spots(points: Sequence[Point]) -> list[tuple[float, float]]:
    """The points in pixels, y downwards."""
    across = [math.log10(x) for _, x, _, _ in points]
    up = [0.0 if math.isnan(y) else y for _, _, y, _ in points]
    return list(zip(_stretch(across, LEAST_WIDTH - 130), [HEIGHT - y for y in _stretch(up, HEIGHT)], strict=True))


def _stretch(values: Sequence[float], size: float) -> list[float]:
    low, high = min(values, default=0), max(values, default=0)
    return [size * (value - low) / ((high - low) or 1) for value in values]


def _box(name: str, spot: tuple[float, float], place: tuple[str, int, int]) -> Rectangle:
    align, dx, dy = place
    width = LETTER * len(name)
    left = spot[0] + dx - {'left': 0, 'center': width / 2, 'right': width}[align]
    return left, spot[1] + dy - LINE / 2, left + width, spot[1] + dy + LINE / 2


def _overlap(first: Rectangle, second: Rectangle) -> float:
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    return max(0.0, width) * max(0.0, height)
