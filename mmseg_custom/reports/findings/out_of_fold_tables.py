"""The tables of what the folds come to: a row a fold and for all together, a row a class."""

import math
from typing import NamedTuple

from mmseg_custom.reports.findings.out_of_fold import IOU, SCORES, FoldScore, OutOfFold


class Table(NamedTuple):
    """Titles and rows; the last ``summary`` rows are about all folds."""

    titles: list[str]
    rows: list[list[str]]
    summary: int = 0


def fold_table(result: OutOfFold) -> Table:
    """A row a fold, their mean with deviation, and all images together."""
    mark, own = result.mark(), [] if result.monitor in SCORES else [result.monitor]
    blank = [''] * len(own)
    spreads = [f'{_spread(result, key)}{mark}' for key in SCORES]
    pooled = [f'{result.pooled[key]:.2f}{mark}' for key in SCORES]
    return Table(
        ['fold', 'images', result.unit, *SCORES, *own],
        [
            *(_fold_row(result, fold, bool(own)) for fold in result.folds),
            ['mean ± sd', '', '', *spreads, *blank],
            ['all images', str(result.images), '', *pooled, *blank],
        ],
        summary=2,
    )


def _fold_row(result: OutOfFold, fold: FoldScore, with_monitor: bool) -> list[str]:
    numbers = [*(fold.scores[key] for key in SCORES), *([fold.monitor] if with_monitor else [])]
    mark = result.mark(fold.seen)
    return [fold.name, str(fold.images), f'{fold.position:g}', *(f'{score:.2f}{mark}' for score in numbers)]


def class_table(result: OutOfFold) -> Table:
    """A row a class: its IoU on all images together, the interval, mean and deviation over the folds."""
    return Table(
        ['class', 'IoU out of fold', '95 % interval', 'mean ± sd'],
        [[name, *_class_cells(result, IOU + name)] for name in result.classes],
    )


def _class_cells(result: OutOfFold, key: str) -> list[str]:
    if math.isnan(result.pooled[key]):
        return ['does not occur', '', '']
    low, high = result.intervals[key]
    return [f'{result.pooled[key]:.2f}', f'{low:.2f} - {high:.2f}', _spread(result, key)]


def _spread(result: OutOfFold, key: str) -> str:
    """Mean and deviation; the latter is unknown for a class that occurs in one fold."""
    deviation = result.deviation[key]
    return f'{result.mean[key]:.2f}' + ('' if math.isnan(deviation) else f' ± {deviation:.2f}')
