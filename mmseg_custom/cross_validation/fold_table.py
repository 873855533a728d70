"""The folds of a cross-validation as a table that people read."""

from collections.abc import Sequence

import numpy as np
from prettytable import PrettyTable

from mmseg_custom.datasets.folds.fold_file import FoldSplit
from mmseg_custom.datasets.folds.grouping import FoldError, group_of_each

RAREST = 3


def fold_table(split: FoldSplit, of_fold: np.ndarray | None = None, classes: Sequence[str] = ()) -> str:
    """A line a fold: its held-out images, their groups, and its share of the rarest classes.

    Args:
        split: The folds.
        of_fold: Pixels of each class in each fold, of shape (K, C). Defaults to ``None``: labels were not counted.
        classes: Names of the C classes.
    """
    parts = {f'fold {number}': part for number, part in enumerate(split.folds, start=1)}
    if split.holdout_names:
        parts['holdout'] = split.holdout_names
    groups = groups_of_parts(split, list(parts.values()))
    rarest = rarest_classes(of_fold)
    columns = [*(['groups'] if groups else []), *(classes[kind] for kind in rarest)]
    table = PrettyTable(['held out', 'images', *columns])
    table.align = 'r'
    table.align['held out'] = 'l'
    for row, (name, part) in enumerate(parts.items()):
        counted = row < len(split.folds)
        shares = [f'{_share(of_fold, row, kind):.1%}' if counted else '' for kind in rarest]
        table.add_row([name, len(part), *([groups[row]] if groups else []), *shares])
    note = [f'The rarest classes: the part of all their pixels that a fold has; even is {1 / len(split.folds):.1%}.']
    return '\n'.join([table.get_string(), *(note if rarest else [])])


def groups_of_parts(split: FoldSplit, parts: Sequence[Sequence[str]]) -> list[int]:
    """How many groups each part has; empty without groups, or where they cannot be told any more."""
    if split.group_by is None:
        return []
    try:
        of_image = group_of_each([name for part in parts for name in part], split.group_by, split.block_size)
    except FoldError:  # Their table may be gone; the fold file is good without it.
        return []
    return [len({of_image[name] for name in part}) for part in parts]


def rarest_classes(of_fold: np.ndarray | None) -> list[int]:
    """The classes with the fewest pixels, among those that occur."""
    if of_fold is None:
        return []
    total = np.asarray(of_fold).sum(0)
    return sorted(np.flatnonzero(total), key=lambda kind: total[kind])[:RAREST]


def _share(of_fold: np.ndarray, fold: int, kind: int) -> float:
    return of_fold[fold][kind] / of_fold[:, kind].sum()
