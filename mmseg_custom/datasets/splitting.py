"""Splitting image names: into folds, and what is kept out of all of them."""

from collections.abc import Sequence

import numpy as np

from mmseg_custom.errors import UserError

GROUPINGS = (None, 'city', 'block')


class FoldError(UserError, ValueError):
    """Folds that cannot be made or do not fit; the message says why and what to do."""


def split_folds(
    names: Sequence[str], num_folds: int, seed: int, group_by: str | None = None, block_size: int | None = None
) -> list[list[str]]:
    """Split image names into ``num_folds`` parts.

    Without groups this is the reference split: the sorted names, shuffled by NumPy's legacy
    ``RandomState(seed)`` and cut into consecutive parts, the first ones an image larger where it does not
    divide: what scikit-learn's ``KFold(num_folds, shuffle=True, random_state=seed)`` gives. With groups,
    shuffled groups go, largest first, to the part that is smallest so far.

    Args:
        names: Image names, unique. A name's folder is its city; without one its city, or drive, is what stands
            before the first underscore.
        num_folds: Number of parts, at least 2.
        seed: Seed of the shuffle.
        group_by: ``None``, ``'city'`` or ``'block'``.
        block_size: Consecutive frames in a block; needed by ``'block'`` alone.

    Raises:
        FoldError: If there are more folds than images or groups, or the grouping is unknown or incomplete.
    """
    units = _units(names, group_by, block_size)
    if not 2 <= num_folds <= len(units):
        what = 'images' if group_by is None else f'groups (group_by={group_by!r})'
        raise FoldError(f'{num_folds} folds cannot be made of {len(units)} {what}: use 2 to {len(units)} folds.')
    order = np.random.RandomState(seed).permutation(len(units))
    if group_by is None:
        return [sorted(units[i][0] for i in part) for part in np.array_split(order, num_folds)]
    return _fill_evenly([units[i] for i in order], num_folds)


def carve_selection(
    names: Sequence[str], share: float, seed: int, group_by: str | None = None, block_size: int | None = None
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
    units, selected = _units(names, group_by, block_size), []
    if not 0 <= share < 1:
        raise FoldError(f'folds.selection={share} is no share of the images: use 0 to below 1.')
    for i in np.random.RandomState([seed, 1]).permutation(len(units)):
        if len(selected) < share * len(names):
            selected += units[i]
    if len(selected) == len(names):
        raise FoldError(f'folds.selection={share} leaves no image to train on ({len(units)} groups): use less.')
    return sorted(selected)


def _units(names: Sequence[str], group_by: str | None, block_size: int | None) -> list[list[str]]:
    """What stays together, in order of name."""
    if group_by not in GROUPINGS or (group_by == 'block') != bool(block_size):
        raise FoldError(
            f'group_by={group_by!r} with block_size={block_size!r} cannot be done: use group_by=None, '
            "group_by='city', or group_by='block' with a block_size."
        )
    names = sorted(names)
    units = [[name] for name in names] if group_by is None else _cities(names)
    if group_by == 'block':
        return [city[i : i + block_size] for city in units for i in range(0, len(city), block_size)]
    return units


def _cities(names: Sequence[str]) -> list[list[str]]:
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(name.rpartition('/')[0] or name.partition('_')[0], []).append(name)
    return list(groups.values())


def _fill_evenly(groups: list[list[str]], num_folds: int) -> list[list[str]]:
    folds: list[list[str]] = [[] for _ in range(num_folds)]
    for group in sorted(groups, key=len, reverse=True):
        min(folds, key=len).extend(group)
    return [sorted(part) for part in folds]
