"""Splitting image names: into folds, and what is kept out of all of them."""

from collections.abc import Sequence

import numpy as np

from mmseg_custom.datasets.folds.grouping import WAYS_OUT, FoldError, GroupBy, Groups, describe_grouping, group_names

__all__ = ['FoldError', 'carve_holdout', 'doubtful_groups', 'fold_units', 'group_images', 'split_folds']


def split_folds(
    names: Sequence[str], num_folds: int, seed: int, group_by: GroupBy = None, block_size: int | None = None
) -> list[list[str]]:
    """Split image names into ``num_folds`` parts.

    Without groups this is the reference split: the sorted names, shuffled by NumPy's legacy
    ``RandomState(seed)`` and cut into consecutive parts, the first ones an image larger where it does not
    divide: what scikit-learn's ``KFold(num_folds, shuffle=True, random_state=seed)`` gives. With groups,
    shuffled groups go, largest first, to the part that is smallest so far.

    Args:
        names: Image names, unique.
        num_folds: Number of parts, at least 2.
        seed: Seed of the shuffle.
        group_by: As :func:`group_names`.
        block_size: As :func:`group_names`.

    Raises:
        FoldError: If there are more folds than images or groups, every group is a single image, or the grouping is
            unknown or incomplete.
    """
    units = fold_units(names, num_folds, seed, group_by, block_size)
    order = np.random.RandomState(seed).permutation(len(units))
    if group_by is None:
        return [sorted(units[i][0] for i in part) for part in np.array_split(order, num_folds)]
    return _fill_evenly([units[i] for i in order], num_folds)


def fold_units(
    names: Sequence[str], num_folds: int, seed: int, group_by: GroupBy = None, block_size: int | None = None
) -> list[list[str]]:
    """What is dealt to the folds as a whole: the groups of the images, or single images.

    Raises:
        FoldError: As :func:`split_folds`.
    """
    _check_numbers(num_folds, seed)
    units = list(group_images(names, group_by, block_size).values())
    if not 2 <= num_folds <= len(units):
        what = 'images' if group_by is None else f'groups (group_by={describe_grouping(group_by)!r})'
        way_out = f'use 2 to {len(units)} folds' if len(units) > 1 else 'there must be two at least'
        raise FoldError(
            f'{num_folds} folds cannot be made of {len(units)} {what}: {way_out}'
            + ('.' if group_by is None else f'; or {WAYS_OUT}.')
        )
    return units


def carve_holdout(
    names: Sequence[str], share: float, seed: int, group_by: GroupBy = None, block_size: int | None = None
) -> list[str]:
    """The images that are kept out of all folds and all training, to choose epochs and weights by; sorted.

    Args:
        names: As :func:`split_folds`.
        share: Share of the images; whole groups are taken until it is reached.
        seed: As :func:`split_folds`; the groups taken are not the first ones of its shuffle.
        group_by: As :func:`split_folds`.
        block_size: As :func:`split_folds`.

    Raises:
        FoldError: If the share is not from 0 to below 1, no image would be left, or the grouping is unknown.
    """
    if not isinstance(share, int | float) or not 0 <= share < 1:
        raise FoldError(f'folds.holdout={share!r} is no share of the images: use 0 to below 1.')
    units = list(group_images(names, group_by, block_size).values())
    carved: list[str] = []
    for i in np.random.RandomState([seed, 1]).permutation(len(units)):
        if len(carved) < share * len(names):
            carved += units[i]
    if len(carved) == len(names):
        raise FoldError(f'folds.holdout={share} leaves no image to train on ({len(units)} groups): use less.')
    return sorted(carved)


def group_images(names: Sequence[str], group_by: GroupBy, block_size: int | None = None) -> Groups:
    """The groups that folds are made of: as :func:`group_names`, which also says the arguments.

    Raises:
        FoldError: If the grouping is unknown or incomplete, or separates all images from each other.
    """
    groups = group_names(names, group_by, block_size)
    if group_by is not None and len(groups) == len(names) > 1:
        first = ', '.join(list(groups)[:3])
        raise FoldError(
            f'group_by={describe_grouping(group_by)!r} with block_size={block_size!r} puts each of the {len(names)} '
            f'images into a group of its own ({first}, ...), which separates neighbours as no groups do: {WAYS_OUT}; '
            'or group_by=None if the images are independent.'
        )
    return groups


def doubtful_groups(groups: Groups) -> list[str]:
    """What makes one doubt that groups are meant: more than half of the images in one of them, or alone in theirs."""
    total, alone = sum(map(len, groups.values())), sum(len(group) == 1 for group in groups.values())
    largest = max(groups, key=lambda name: len(groups[name]))
    doubts = []
    if len(groups) > 1 and 2 * len(groups[largest]) > total:
        doubts.append(
            f'group {largest} holds {len(groups[largest])} of {total} images: the fold that is validated on it '
            'trains on the few others; see whether finer groups (group_by) are right too'
        )
    if 2 * alone > total:
        doubts.append(f'{alone} of {total} images are alone in their group: see whether group_by knows all names')
    return doubts


def _check_numbers(num_folds: int, seed: int) -> None:
    if type(num_folds) is not int or type(seed) is not int or not 0 <= seed < 2**32:
        raise FoldError(f'num_folds={num_folds!r}, seed={seed!r}: give a whole number of folds, a seed from 0 on.')


def _fill_evenly(groups: list[list[str]], num_folds: int) -> list[list[str]]:
    folds: list[list[str]] = [[] for _ in range(num_folds)]
    for group in sorted(groups, key=len, reverse=True):
        min(folds, key=len).extend(group)
    return [sorted(part) for part in folds]
