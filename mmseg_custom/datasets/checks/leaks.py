"""Images that are trained on and scored: one file in two lists, a copy of it, or a group that stands in both."""

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mmseg_custom.datasets.checks.same_content import same_content
from mmseg_custom.datasets.folds.fold_file import FoldSplit
from mmseg_custom.datasets.folds.grouping import FoldError, GroupBy, group_names
from mmseg_custom.datasets.folds.leaves import Sample
from mmseg_custom.datasets.sample_files import few, is_elsewhere
from mmseg_custom.errors import UserError

PATH, CONTENT, GROUP = 'path', 'content', 'group'
HOW = {
    PATH: 'images of {split} are images of {train}, too',
    CONTENT: 'images of {split} are copies of images of {train}',
    GROUP: 'groups of {split} are groups of {train}, too',
}


class LeakError(UserError, ValueError):
    """What is trained on would be scored; the message names the first images and the way out."""


@dataclass(frozen=True)
class Leak:
    """An image, or a group of images, that stands on both sides.

    Attributes:
        kind: ``'path'``, ``'content'`` or ``'group'``.
        split: The side that is scored, such as ``'val'``.
        name: Of the image there, or of the group.
        trained: Of the image that is trained on; the same for a group.
        train: The side that is trained on. Defaults to ``'train'``.
    """

    kind: str
    split: str
    name: str
    trained: str
    train: str = 'train'


def find_leaks(
    train: Sequence[Sample], others: Mapping[str, Sequence[Sample]], group_by: GroupBy = None
) -> list[Leak]:
    """Compare what is trained on with what is scored.

    Files are compared by their sizes first; only those of one size are read, and to their end only those whose first,
    middle and last 4 kB are equal.

    Args:
        train: Samples of the training data.
        others: Those of each other split, by its name.
        group_by: As :func:`~mmseg_custom.datasets.folds.grouping.group_names`; blocks of frames are not compared,
            they are made within a split. Images that a table does not name belong to no group.

    Returns:
        One for each image of ``others`` that is in ``train``, by path where it is the same file, then the groups.
    """
    by_path = {_real(sample): sample for sample in train}
    scored = {split: {_real(sample): sample for sample in samples} for split, samples in others.items()}
    files = [*by_path, *(path for of_split in scored.values() for path in of_split)]
    same = {path: paths for paths in same_content(files, by_path.keys()) for path in paths}
    leaks = []
    for split, of_split in scored.items():
        for path, sample in of_split.items():
            copy = next((other for other in same.get(path, ()) if other in by_path), None)
            if path in by_path:
                leaks.append(Leak(PATH, split, sample.name, by_path[path].name))
            elif copy is not None:
                leaks.append(Leak(CONTENT, split, sample.name, by_path[copy].name))
        shared = sorted(_groups(train, group_by) & _groups(others[split], group_by))
        leaks += [Leak(GROUP, split, group, group) for group in shared]
    return leaks


def leaks_between_folds(samples: Sequence[Sample], split: FoldSplit) -> list[Leak]:
    """The copies of an image that are in different parts of a split: each fold trains on a copy of what it scores."""
    parts = {f'fold {k}': names for k, names in enumerate(split.folds, start=1)} | {
        'the holdout': split.holdout_names
    }
    part_of = {name: part for part, names in parts.items() for name in names}
    leaks = []
    for first, *copies in copied_images([sample for sample in samples if sample.name in part_of]):
        other = [name for name in copies if part_of[name] != part_of[first]]
        leaks += [Leak(CONTENT, part_of[name], name, first, part_of[first]) for name in other]
    return leaks


def copied_images(samples: Sequence[Sample]) -> list[list[str]]:
    """The names of images whose files are equal, sorted, those of each content together."""
    names = {_real(sample): sample.name for sample in samples}
    same = (sorted({names[path] for path in paths}) for paths in same_content(list(names)))
    return [copies for copies in same if len(copies) > 1]


def refuse_leaks(leaks: Sequence[Leak]) -> None:
    """Stop where there are leaks.

    Raises:
        LeakError: Naming the first of each kind.
    """
    if leaks:
        found = '; '.join(describe_leaks(leaks))
        raise LeakError(
            f'{found}. What is trained on would be scored: take them out of one of the two, or go on with '
            '--allow-leaks, which marks every score that they touch.'
        )


def describe_leaks(leaks: Sequence[Leak]) -> list[str]:
    """A phrase on each kind of leak and each pair of splits, with the first ones."""
    together: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for leak in leaks:
        pair = leak.name if leak.name == leak.trained else f'{leak.name} = {leak.trained}'
        together[leak.kind, leak.split, leak.train].append(pair)
    return [
        f'{len(names)} {HOW[kind].format(split=split, train=train)} ({few(names)})'
        for (kind, split, train), names in together.items()
    ]


def _real(sample: Sample) -> str:
    path = sample.info['img_path']
    return path if is_elsewhere(path) else os.path.realpath(path)


def _groups(samples: Sequence[Sample], group_by: GroupBy) -> set[str]:
    """The groups of a split; an image that none is known for has none."""
    names = sorted({sample.name for sample in samples})
    if group_by is None or group_by == 'block':
        return set()
    if group_by == 'city':
        return set(group_names(names, group_by))
    found: set[str] = set()
    for name in names:
        try:
            found |= set(group_names([name], group_by))
        except FoldError:
            continue
    return found
