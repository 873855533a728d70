"""Two predictions of the same images side by side, and the interval of their difference."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from prettytable import PrettyTable

from mmseg_custom.datasets.fix_list import FixList
from mmseg_custom.datasets.folds.fixed_labels import void_regions
from mmseg_custom.evaluation.bootstrap import Interval, area_gain_intervals
from mmseg_custom.evaluation.confusion_matrix import confusion_matrix
from mmseg_custom.evaluation.kept_predictions import VOID, KeptPredictions, PredictionError, PredictionRecord
from mmseg_custom.out_of_fold.scores import PooledCounts
from mmseg_custom.reports.findings.out_of_fold import IOU, Scores


@dataclass(frozen=True)
class PairedScores:
    """Two predictions of the same images.

    Attributes:
        images: Their number.
        seen: How many of them one of the two may have been trained on.
        before: mIoU, aAcc, mAcc and IoU of each class of the first, in percent.
        after: Of the second.
        gains: 95 % bootstrap intervals of the difference in mIoU and each IoU, paired, in points.
    """

    images: int
    seen: int
    before: Scores
    after: Scores
    gains: dict[str, Interval]

    def gain(self, key: str) -> float:
        """How much better the second is, in points."""
        return self.after[key] - self.before[key]


class PairedCounts:
    """Pixel counts of two predictions of the same images, added one image after another.

    Args:
        classes: Names of the C classes.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = classes
        self.before, self.after = PooledCounts(len(classes)), PooledCounts(len(classes))
        self.groups: list[str] = []

    def add(self, before: np.ndarray, after: np.ndarray, seen: bool, group: str) -> None:
        """Add an image by its two confusion matrices, int64 (C, C)."""
        self.before.add_matrix(before, seen)
        self.after.add_matrix(after, seen)
        self.groups.append(group)

    def scores(self) -> PairedScores:
        """Of all images.

        Raises:
            PredictionError: If there are none.
        """
        if not self.groups:
            raise PredictionError('No image has both predictions: there is nothing to compare.')
        first, second = (torch.from_numpy(np.stack(pool.areas)) for pool in (self.before, self.after))
        miou, of_classes = area_gain_intervals(first, second, self.groups)
        gains = {'mIoU': miou, **{IOU + name: one for name, one in zip(self.classes, of_classes, strict=True)}}
        before, after = (pool.scores(self.classes) for pool in (self.before, self.after))
        return PairedScores(len(self.groups), self.before.seen, before, after, gains)


def compare_kept(
    before: KeptPredictions,
    after: KeptPredictions,
    names: Iterable[str],
    classes: Sequence[str],
    groups: Mapping[str, str] | None = None,
    fixes: FixList | None = None,
    in_sample: bool = False,
) -> PairedScores:
    """Compare two folders of predictions.

    Args:
        before: One.
        after: The other.
        names: Of images that both have.
        classes: Names of the C classes.
        groups: The group of each image, drawn whole for the intervals. Defaults to ``None``: each image is one.
        fixes: What does not count: images that it leaves out, and pixels of its regions. Defaults to ``None``.
        in_sample: Whether the second are known to be by weights that were trained on it, which is then no mark.

    Raises:
        PredictionError: If a prediction is missing, or the two were compared with different labels.
    """
    counts, regions = PairedCounts(classes), fixes.regions() if fixes else {}
    left_out = set(fixes.leave_out) if fixes else set()
    for name in names:
        if name in left_out:
            continue
        records = [kept.record(name) for kept in (before, after)]
        if records[0].made_of['label'] != records[1].made_of['label']:
            raise PredictionError(
                f'{name} has another label in {before.folder} than in {after.folder}: call `mmseg-kfold out-of-fold` '
                'for both runs again.'
            )
        of = [
            _matrix_without(kept, record, regions[name]) if name in regions else record.matrix()
            for kept, record in zip((before, after), records, strict=True)
        ]
        seen = records[0].seen or (records[1].seen and not in_sample)
        counts.add(of[0], of[1], seen, groups[name] if groups else name)
    return counts.scores()


def _matrix_without(kept: KeptPredictions, record: PredictionRecord, regions: Sequence) -> np.ndarray:
    maps = kept.maps(record)
    label = void_regions(maps.label, regions, VOID)
    return confusion_matrix(torch.from_numpy(maps.classes), torch.from_numpy(label), record.matrix().shape[0]).numpy()


def paired_table(scores: Mapping[str, PairedScores], before: str, after: str) -> str:
    """Compared predictions as a table, a row a class.

    Args:
        scores: By what they are scored on.
        before: How the first are called.
        after: How the second are called.
    """
    heads = [
        f'{word}{" on " + on if on else ""}' for on in scores for word in (before, after, 'gain', '95 % interval')
    ]
    table = PrettyTable(['', *heads])
    table.align = 'r'
    table.align[''] = 'l'
    for key in next(iter(scores.values())).gains:
        cells = [cell for one in scores.values() for cell in _cells(one, key)]
        table.add_row([key.removeprefix(IOU), *cells])
    return table.get_string()


def _cells(scores: PairedScores, key: str) -> list[str]:
    if np.isnan(scores.gain(key)):
        return ['does not occur', '', '', '']
    low, high = scores.gains[key]
    mark = '*' if scores.seen else ''
    numbers = f'{scores.before[key]:.2f}', f'{scores.after[key]:.2f}', f'{scores.gain(key):+.2f}'
    return [number + mark for number in (*numbers, f'{low:+.2f} to {high:+.2f}')]
