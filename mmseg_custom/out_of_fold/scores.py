"""The scores of predictions by weights that have never seen the image: pooled, by class, by group."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from prettytable import PrettyTable

from mmseg_custom.evaluation.bootstrap import Interval, area_intervals
from mmseg_custom.evaluation.kept_predictions import PredictionRecord
from mmseg_custom.evaluation.scores import iou_per_class, scores_of
from mmseg_custom.io.files import PathLike, write_json
from mmseg_custom.ledger.held_out_counts import HeldOutCounts
from mmseg_custom.reports.findings.out_of_fold import IOU, SCORES, Scores, without_nan

MARK = '*'
SEEN = '* {} images were predicted by weights that may have been trained on them: optimistically biased.'
SCORES_FILE = 'scores.json'
FEW_GROUPS = 20  # A table that people read; the file has all.


@dataclass(frozen=True)
class GroupScore:
    """The images of a group.

    Attributes:
        images: Their number.
        scores: In percent, from one confusion matrix.
        seen: How many of them were predicted by weights that may have seen them.
        over_images: 95 % bootstrap interval of their mIoU over the images; of one image it is no interval.
    """

    images: int
    scores: dict[str, float]
    seen: int
    over_images: Interval


@dataclass(frozen=True)
class OutOfFoldScores:
    """All images of a stage; the scores are called as in the table of `mmseg-kfold run`.

    Attributes:
        images: Their number.
        seen: How many of them were predicted by weights that may have seen them.
        pooled: mIoU, aAcc, mAcc and IoU of each class (``IoU.<class>``) from one confusion matrix, in percent; NaN
            for a class that does not occur.
        over_images: 95 % bootstrap intervals of the mIoU and each IoU over the images.
        over_groups: The same over the groups, each drawn whole; ``None`` without groups.
        per_group: By name of the group; empty without groups.
    """

    images: int
    seen: int
    pooled: Scores
    over_images: dict[str, Interval]
    over_groups: dict[str, Interval] | None
    per_group: dict[str, GroupScore]


class PooledCounts:
    """Pixel counts of images, added one after another: of each its areas, of all one confusion matrix.

    Args:
        num_classes: C.
    """

    def __init__(self, num_classes: int) -> None:
        self.matrix = np.zeros((num_classes, num_classes), np.int64)
        self.areas: list[np.ndarray] = []
        self.seen = 0

    def add(self, record: PredictionRecord) -> None:
        """Add an image."""
        self.add_matrix(record.matrix(), record.seen)

    def add_matrix(self, matrix: np.ndarray, seen: bool) -> None:
        """Add an image by its confusion matrix, int64 (C, C)."""
        counts = HeldOutCounts.of([''], torch.from_numpy(matrix[None]))
        self.matrix += counts.matrix
        self.areas.append(counts.areas[0])
        self.seen += seen

    def scores(self, classes: Sequence[str] = ()) -> Scores:
        """Of the matrix, and of these classes."""
        matrix = torch.from_numpy(self.matrix)
        found, iou = scores_of(matrix), iou_per_class(matrix).tolist()
        of_classes = {IOU + name: value for name, value in zip(classes, iou, strict=False)}
        return {key: found[key] for key in SCORES} | of_classes


def score_records(
    records: Iterable[PredictionRecord], classes: Sequence[str], groups: Mapping[str, str] | None = None
) -> OutOfFoldScores:
    """The scores of predictions.

    Args:
        records: Of the images, in the order of the folds.
        classes: Names of the C classes.
        groups: The group of each image, by their names. Defaults to ``None``: there are none.
    """
    pool = PooledCounts(len(classes))
    by_group: dict[str, PooledCounts] = {}
    drawn: list[str] = []
    for record in records:
        pool.add(record)
        if groups is not None:
            drawn.append(groups[record.name])
            by_group.setdefault(drawn[-1], PooledCounts(len(classes))).add(record)
    return OutOfFoldScores(
        len(pool.areas),
        pool.seen,
        pool.scores(classes),
        _intervals(pool, classes),
        None if groups is None else _intervals(pool, classes, drawn),
        {name: _group_score(one) for name, one in sorted(by_group.items())},
    )


def _group_score(pool: PooledCounts) -> GroupScore:
    miou, _ = area_intervals(torch.from_numpy(np.stack(pool.areas)))
    return GroupScore(len(pool.areas), pool.scores(), pool.seen, miou)


def _intervals(pool: PooledCounts, classes: Sequence[str], groups: list[str] | None = None) -> dict[str, Interval]:
    miou, of_classes = area_intervals(torch.from_numpy(np.stack(pool.areas)), groups)
    return {'mIoU': miou, **{IOU + name: one for name, one in zip(classes, of_classes, strict=True)}}


def write_scores(scores: OutOfFoldScores, folder: PathLike) -> None:
    """Keep the scores as ``scores.json`` in a folder."""
    write_json(without_nan(asdict(scores)), f'{folder}/{SCORES_FILE}')


def scores_text(scores: OutOfFoldScores) -> str:
    """The scores as tables for people; numbers that images touch whose weights may have seen them have a mark."""
    mark = MARK if scores.seen else ''
    intervals = {'images': scores.over_images, f'{len(scores.per_group)} groups': scores.over_groups}
    spread = ', '.join(f'over {what} {_interval(one["mIoU"])}{mark}' for what, one in intervals.items() if one)
    lines = [
        f'Out of fold: {scores.pooled["mIoU"]:.2f}{mark} mIoU, {scores.pooled["aAcc"]:.2f}{mark} aAcc, '
        f'{scores.pooled["mAcc"]:.2f}{mark} mAcc over {scores.images} images; 95 % interval {spread}.',
        *([SEEN.format(scores.seen)] if scores.seen else []),
        _classes_table(scores, mark),
    ]
    return '\n'.join([*lines, *([_groups_table(scores)] if scores.per_group else [])])


def _interval(interval: Interval) -> str:
    return '{:.2f} to {:.2f}'.format(*interval)


def _classes_table(scores: OutOfFoldScores, mark: str) -> str:
    table = PrettyTable(['class', 'IoU', '95 % interval'])
    table.align = 'r'
    table.align['class'] = 'l'
    intervals = scores.over_groups or scores.over_images
    for key, value in scores.pooled.items():
        if key.startswith(IOU):
            known = [f'{value:.2f}{mark}', _interval(intervals[key]) + mark]
            table.add_row([key.removeprefix(IOU), *(['does not occur', ''] if np.isnan(value) else known)])
    return table.get_string()


def _groups_table(scores: OutOfFoldScores) -> str:
    table = PrettyTable(['group', 'images', 'mIoU', '95 % interval', 'aAcc'])
    table.align = 'r'
    table.align['group'] = 'l'
    worst = sorted(scores.per_group.items(), key=lambda item: item[1].scores['mIoU'])
    for name, group in worst[:FEW_GROUPS]:
        mark = MARK if group.seen else ''
        miou, accuracy = (f'{group.scores[key]:.2f}{mark}' for key in ('mIoU', 'aAcc'))
        between = _interval(group.over_images) + mark if group.images > 1 else ''
        table.add_row([name, group.images, miou, between, accuracy])
    left = len(worst) - FEW_GROUPS
    return table.get_string() + (f'\n{left} better groups are in {SCORES_FILE}.' if left > 0 else '')
