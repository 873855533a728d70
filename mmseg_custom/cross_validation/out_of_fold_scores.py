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
from mmseg_custom.reports.findings.out_of_fold import without_nan

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
    """

    images: int
    scores: dict[str, float]
    seen: int


@dataclass(frozen=True)
class OutOfFoldScores:
    """All images of a stage.

    Attributes:
        images: Their number.
        seen: How many of them were predicted by weights that may have seen them.
        pooled: In percent, from one confusion matrix.
        over_images: 95 % bootstrap interval of the mIoU over the images.
        over_groups: The same over the groups; ``None`` without groups.
        per_class: IoU of each class, NaN where it does not occur.
        per_group: By name of the group; empty without groups.
    """

    images: int
    seen: int
    pooled: dict[str, float]
    over_images: Interval
    over_groups: Interval | None
    per_class: dict[str, float]
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
        matrix = record.matrix()
        counts = HeldOutCounts.of([record.name], torch.from_numpy(matrix[None]))
        self.matrix += counts.matrix
        self.areas.append(counts.areas[0])
        self.seen += record.seen

    def scores(self) -> dict[str, float]:
        """Of the matrix."""
        return scores_of(torch.from_numpy(self.matrix))

    def total(self) -> np.ndarray:
        """The areas of all images together, (3, C)."""
        return np.sum(self.areas, axis=0)

    def interval(self) -> Interval:
        """Of the mIoU, over what was added."""
        return area_intervals(torch.from_numpy(np.stack(self.areas)))[0]


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
    for record in records:
        pool.add(record)
        if groups is not None:
            by_group.setdefault(groups[record.name], PooledCounts(len(classes))).add(record)
    totals = [counts.total() for counts in by_group.values()]
    return OutOfFoldScores(
        len(pool.areas),
        pool.seen,
        pool.scores(),
        pool.interval(),
        area_intervals(torch.from_numpy(np.stack(totals)))[0] if totals else None,
        dict(zip(classes, iou_per_class(torch.from_numpy(pool.matrix)).tolist(), strict=True)),
        {name: GroupScore(len(one.areas), one.scores(), one.seen) for name, one in sorted(by_group.items())},
    )


def write_scores(scores: OutOfFoldScores, folder: PathLike) -> None:
    """Keep the scores as ``scores.json`` in a folder."""
    write_json(without_nan(asdict(scores)), f'{folder}/{SCORES_FILE}')


def scores_text(scores: OutOfFoldScores) -> str:
    """The scores as tables for people; numbers that images touch whose weights may have seen them have a mark."""
    mark = MARK if scores.seen else ''
    lines = [
        f'Out of fold: {scores.pooled["mIoU"]:.2f}{mark} mIoU, {scores.pooled["aAcc"]:.2f}{mark} aAcc, '
        f'{scores.pooled["mAcc"]:.2f}{mark} mAcc over {scores.images} images.',
        f'95 % interval of the mIoU over images {_interval(scores.over_images)}{mark}'
        + (f', over groups {_interval(scores.over_groups)}{mark}' if scores.over_groups else ''),
        *([SEEN.format(scores.seen)] if scores.seen else []),
        _classes_table(scores, mark),
    ]
    if scores.per_group:
        lines.append(_groups_table(scores))
    return '\n'.join(lines)


def _interval(interval: Interval) -> str:
    return '{:.2f} to {:.2f}'.format(*interval)


def _classes_table(scores: OutOfFoldScores, mark: str) -> str:
    table = PrettyTable(['class', 'IoU'])
    table.align['class'], table.align['IoU'] = 'l', 'r'
    for name, value in scores.per_class.items():
        table.add_row([name, 'does not occur' if np.isnan(value) else f'{value:.2f}{mark}'])
    return table.get_string()


def _groups_table(scores: OutOfFoldScores) -> str:
    table = PrettyTable(['group', 'images', 'mIoU', 'aAcc'])
    table.align = 'r'
    table.align['group'] = 'l'
    worst = sorted(scores.per_group.items(), key=lambda item: item[1].scores['mIoU'])
    for name, group in worst[:FEW_GROUPS]:
        mark = MARK if group.seen else ''
        table.add_row([name, group.images, *(f'{group.scores[key]:.2f}{mark}' for key in ('mIoU', 'aAcc'))])
    left = len(worst) - FEW_GROUPS
    return table.get_string() + (f'\n{left} better groups are in {SCORES_FILE}.' if left > 0 else '')
