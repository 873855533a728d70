"""The samples as one figure, for the files."""

from typing import Any

import altair as alt

from mmseg_custom.reports.charts.examination_charts import hex_colour
from mmseg_custom.reports.charts.figure import describe, table
from mmseg_custom.reports.findings.examination import Examination
from mmseg_custom.reports.findings.sample_images import pixels

COLUMNS = ('image', 'truth', 'prediction', 'errors')
CELL, GAP, LINE = 290, 8, 22  # pixels: the width of a picture, between pictures, and of a line of text
NAMES = 6  # of classes in a line


def sample_sheet(found: Examination) -> dict[str, Any]:
    """Describe image, truth, prediction and errors of the best and of the worst images, and the classes' colours."""
    rows = [(kind, sample) for kind in ('best', 'worst') for sample in getattr(found, kind)]
    height, width = pixels(rows[0][1].image).shape[:2]
    shown = round(CELL * height / width)
    step = shown + LINE + GAP
    pictures, texts = [], []
    for i, (kind, sample) in enumerate(rows):
        texts.append({'x': 0, 'y': i * step + LINE / 2, 'text': f'{kind}: {sample.name}, {sample.score:.1f} mIoU'})
        for k, column in enumerate(COLUMNS):
            pictures.append({'x': k * (CELL + GAP), 'y': i * step + LINE, 'url': getattr(sample, column)})
            if k:
                texts.append({'x': k * (CELL + GAP), 'y': i * step + LINE / 2, 'text': column})
    size = (len(COLUMNS) * (CELL + GAP), len(rows) * step)
    lines = -(-len(found.classes) // NAMES)
    layers = [
        _at(pictures).mark_image(width=CELL, height=shown, align='left', baseline='top').encode(url='url:N'),
        _at(texts).mark_text(align='left').encode(text='text:N'),
        *_keys(found, *size),
    ]
    return describe(alt.layer(*layers), size[1] + LINE * (lines + 1), size[0])


def _at(rows: list[dict[str, Any]]) -> alt.Chart:
    pixel = {'scale': None, 'axis': None}
    return alt.Chart(table(rows)).encode(x=alt.X('x:Q', **pixel), y=alt.Y('y:Q', **pixel))


def _keys(found: Examination, width: int, top: int) -> list[alt.Chart]:
    rows = [
        {
            'x': 8 + (i % NAMES) * width / NAMES,
            'y': top + LINE * (i // NAMES + 1),
            'name': name,
            'colour': hex_colour(colour),
        }
        for i, (name, colour) in enumerate(zip(found.classes, found.palette, strict=False))
    ]
    squares = _at(rows).mark_point(shape='square', size=150, filled=True, opacity=1, stroke='#777777', strokeWidth=1)
    names = _at(rows).mark_text(align='left', dx=12)
    return [squares.encode(color=alt.Color('colour:N', scale=None)), names.encode(text='name:N')]
