"""Boxes and the links between them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import altair as alt

from mmseg_custom.reports.charts.figure import ACCENT, FAINT, TEXT, WIDTH, describe, table

ROW, COLUMN = 46, 92  # pixels; the column is the least
HALF_WIDTH, HALF_HEIGHT = 0.43, 0.38  # of a box, in columns and rows
HEADINGS = 1.1  # columns at the left, where no link passes
# Fill, border and text of a box.
KINDS = {
    'plain': ('#ffffff', '#8a9099', TEXT),
    'winner': ('#fff1e6', ACCENT, TEXT),
    'missing': ('#f1f2f4', FAINT, '#5f666d'),
}
LINK = '#b3b8be'


@dataclass(frozen=True)
class Box:
    """A box at column ``x`` and row ``y``, with its lines of text and what a reader sees on touch."""

    x: float
    y: float
    lines: Sequence[str]
    details: Sequence[str] = ()
    kind: str = 'plain'


@dataclass(frozen=True)
class Diagram:
    """Boxes, links (x, y, x, y, whether strong) and headings (row, lines); rows grow downwards."""

    columns: int
    boxes: list[Box] = field(default_factory=list)
    links: list[tuple[float, float, float, float, bool]] = field(default_factory=list)
    headings: list[tuple[float, Sequence[str]]] = field(default_factory=list)


def diagram_view(diagram: Diagram) -> dict[str, Any]:
    """Describe a diagram that fills the width it is given."""
    top = min(box.y for box in diagram.boxes) - HALF_HEIGHT - 0.1
    bottom = max(box.y for box in diagram.boxes) + HALF_HEIGHT + 0.1
    x = {'scale': alt.Scale(domain=[-HEADINGS, diagram.columns], nice=False), 'axis': None}
    y = {'scale': alt.Scale(domain=[bottom, top], nice=False), 'axis': None}
    links = alt.Chart(table(_link_rows(diagram))).encode(
        x=alt.X('x:Q', **x), y=alt.Y('y:Q', **y), x2='x2:Q', y2='y2:Q'
    )
    weak, strong = (links.transform_filter(f'datum.strong == {flag}') for flag in ('false', 'true'))
    rows = [{'y': y, 'name': lines[0], 'text': '\n'.join(lines[1:])} for y, lines in diagram.headings]
    headings = alt.Chart(table(rows)).encode(y=alt.Y('y:Q', **y))
    heading = {'align': 'left', 'baseline': 'middle', 'x': 2}
    layers = [
        weak.mark_rule(color=LINK),
        strong.mark_rule(color=ACCENT, strokeWidth=1.8),
        headings.mark_text(fontWeight='bold', **heading).encode(text='name:N'),
        headings.mark_text(lineBreak='\n', lineHeight=13, dy=14, **heading).encode(text='text:N'),
        *_boxes(diagram, x, y),
    ]
    return describe(alt.layer(*layers), round(ROW * (bottom - top)), max(WIDTH, diagram_width(diagram)))


def diagram_width(diagram: Diagram) -> int:
    """The least width in pixels at which the boxes can be read."""
    return round(COLUMN * (diagram.columns + HEADINGS))


def _link_rows(diagram: Diagram) -> list[dict[str, Any]]:
    return [{'x': a, 'y': b, 'x2': c, 'y2': d, 'strong': strong} for a, b, c, d, strong in diagram.links]


def _boxes(diagram: Diagram, x: dict[str, Any], y: dict[str, Any]) -> list[alt.Chart]:
    base = alt.Chart(table(_box_rows(diagram.boxes)))
    sides = {'x': alt.X('left:Q', **x), 'x2': 'right:Q', 'y': alt.Y('above:Q', **y), 'y2': 'below:Q'}
    frame = base.mark_rect(cornerRadius=4).encode(
        **sides,
        fill=alt.Fill('fill:N', scale=None),
        stroke=alt.Stroke('border:N', scale=None),
        strokeWidth=alt.StrokeWidth('width:Q', scale=None),
        tooltip=alt.Tooltip('details:N'),
    )
    limit = alt.ExprRef(f'{2 * HALF_WIDTH} * width / {diagram.columns + HEADINGS} - 6')
    text = base.mark_text(lineBreak='\n', lineHeight=14, baseline='middle', limit=limit, dy=-7).encode(
        x=alt.X('x:Q', **x),
        y=alt.Y('y:Q', **y),
        text='text:N',
        color=alt.Color('ink:N', scale=None),
        tooltip=alt.Tooltip('details:N'),
    )
    return [frame, text]


def _box_rows(boxes: Sequence[Box]) -> list[dict[str, Any]]:
    return [
        {
            'x': box.x,
            'y': box.y,
            'left': box.x - HALF_WIDTH,
            'right': box.x + HALF_WIDTH,
            'above': box.y - HALF_HEIGHT,
            'below': box.y + HALF_HEIGHT,
            'text': '\n'.join(box.lines),
            'details': '\n'.join(box.details),
            **dict(zip(('fill', 'border', 'ink'), KINDS[box.kind], strict=True)),
            'width': 2 if box.kind == 'winner' else 1,
        }
        for box in boxes
    ]
