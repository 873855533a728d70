"""The figures that need the winner's confusion matrix."""

import math

import numpy as np
import torch

from mmseg_custom.evaluation import iou_per_class
from mmseg_custom.reports.charts.classes import Cells, class_bar_view, matrix_view, matrix_width
from mmseg_custom.reports.charts.figure import Figure
from mmseg_custom.reports.charts.scatter import LEAST_WIDTH, scatter_view
from mmseg_custom.reports.findings.examination import Examination
from mmseg_custom.reports.findings.statistics import correlation, row_shares

NAN = math.nan


def examination_charts(found: Examination) -> list[Figure]:
    """Class bars, confusion matrix, and frequency against IoU."""
    return [class_bars(found), confusion_chart(found), frequency_chart(found)]


def class_rows(found: Examination) -> list[dict]:
    """A row of numbers a class.

    Returns:
        ``name``, ``colour``; in percent ``iou``, ``recall``, ``precision`` and ``share`` of the labelled pixels, NaN
        for what does not occur; ``confused``, the class it is most often taken for.
    """
    matrix = np.array(found.matrix)
    iou = iou_per_class(torch.tensor(found.matrix)).tolist()
    recall, precision = (np.diagonal(row_shares(one)) * 100 for one in (matrix, matrix.T))
    share = 100 * matrix.sum(1) / max(1, matrix.sum())
    off_diagonal = matrix * (1 - np.eye(len(matrix), dtype=matrix.dtype))
    return [
        {
            'name': name,
            'colour': hex_colour(found.palette[i]),
            'iou': iou[i],
            'recall': float(recall[i]),
            'precision': float(precision[i]),
            'share': float(share[i]),
            'confused': found.classes[off_diagonal[i].argmax()] if off_diagonal[i].any() else '',
        }
        for i, name in enumerate(found.classes)
    ]


def class_bars(found: Examination) -> Figure:
    """The IoU of every class, best first; classes that do not occur last."""
    rows = sorted(class_rows(found), key=lambda row: (math.isnan(row['iou']), -row['iou']))
    columns = ([row[key] for row in rows] for key in ('name', 'iou', 'colour'))
    return Figure(
        name='classes',
        title=f'IoU of {found.model} by class, on {found.images}',
        caption='In the colours of the data set, best first. Classes without a bar do not occur, or have IoU 0.',
        views={'IoU': class_bar_view(*columns)},
    )


def confusion_chart(found: Examination) -> Figure:
    """The confusion matrix, row-normalised and as counts."""
    counts = np.array(found.matrix)
    shares = row_shares(counts)
    logarithms = np.log1p(counts) / max(1e-9, float(np.log1p(counts.max())))
    percent = [[f'{100 * value:.0f}' if value >= 0.005 else '' for value in row] for row in shares.tolist()]
    counted = [[short_count(value) for value in row] for row in found.matrix]
    cells = {'row-normalised': Cells(shares.tolist(), percent), 'counts': Cells(logarithms.tolist(), counted)}
    titles = ('true class', 'predicted class')
    return Figure(
        name='confusion',
        title=f'Confusion matrix of {found.model} on {found.images}',
        caption='A row is a true class, a column what it was taken for. Row-normalised: percent of the pixels of '
        'the true class, below 0.5 left blank. Counts: pixels, shaded by their logarithm.',
        views={name: matrix_view(found.classes, found.classes, one, titles, True) for name, one in cells.items()},
        min_width=matrix_width(found.classes, found.classes),
    )


def short_count(value: int) -> str:
    """A count in at most four characters, as in ``12k``; nothing for 0."""
    for unit, size in (('G', 10**9), ('M', 10**6), ('k', 10**3)):
        if value >= 0.9995 * size:
            return f'{value / size:.1f}{unit}' if value < 9.95 * size else f'{value / size:.0f}{unit}'
    return str(value or '')


def frequency_chart(found: Examination) -> Figure:
    """The share of a class among the labelled pixels against its IoU."""
    rows = sorted((row for row in class_rows(found) if row['share'] > 0), key=lambda row: row['share'])
    shares, scores = [row['share'] for row in rows], [row['iou'] for row in rows]
    plain, logarithmic = correlation(shares, scores), correlation(np.log10(shares), scores)
    measured = (
        f'Pearson correlation of IoU with the share {plain:+.2f}, with its logarithm (as drawn) {logarithmic:+.2f}, '
        f'over {len(rows)} classes.'
        if math.isfinite(plain)
        else 'Too few different classes for a correlation.'
    )
    points = [(row['name'], row['share'], row['iou'], row['colour']) for row in rows]
    return Figure(
        name='frequency',
        title='Class frequency against IoU',
        caption=f'{measured} Classes without a labelled pixel in {found.images} are left out.',
        views={'frequency': scatter_view(points, f'share of the labelled pixels of {found.images} in %', 'IoU in %')},
        min_width=LEAST_WIDTH,
    )


def hex_colour(colour: list[int]) -> str:
    """An RGB colour as ``#rrggbb``."""
    return '#' + ''.join(f'{part:02x}' for part in colour)
