"""Splitting the training images into folds, and the readable file that keeps the split."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from mmseg_custom.engine.files import PathLike, hash_text, read_json, write_json
from mmseg_custom.errors import UserError

GROUPINGS = (None, 'city', 'block')
# What a config says about its folds, and what it need not say.
SPLIT_DEFAULTS = {'num_folds': 5, 'seed': 42, 'group_by': None, 'block_size': None}


class FoldError(UserError, ValueError):
    """Folds that cannot be made or do not fit; the message says why and what to do."""


@dataclass(frozen=True)
class FoldSplit:
    """A split of the training images into folds, as kept in a fold file.

    Attributes:
        num_folds: Number of parts, K.
        seed: Seed of the shuffle.
        group_by: What stays together: nothing (``None``), the images of a ``'city'``, or a ``'block'`` of
            consecutive frames of a drive.
        block_size: Frames in a block.
        fingerprint: Of the training files the split was made from, see :func:`fingerprint_files`.
        folds: The image names of each part, K lists. Fold k (from 1) validates on part k.
    """

    num_folds: int
    seed: int
    group_by: str | None
    block_size: int | None
    fingerprint: str
    folds: list[list[str]]

    @property
    def hash(self) -> str:
        """A checksum of which image is in which part."""
        return hash_text('\n'.join(f'{k} {name}' for k, part in enumerate(self.folds) for name in part))

    def names(self, fold: int, validation: bool) -> list[str]:
        """The images that fold ``fold`` (1 to K) validates on, or those it trains on, sorted.

        Raises:
            FoldError: If there is no such fold.
        """
        if not 1 <= fold <= self.num_folds:
            raise FoldError(f'Fold {fold} does not exist: the split has folds 1 to {self.num_folds}.')
        parts = [fold - 1] if validation else [k for k in range(self.num_folds) if k != fold - 1]
        return sorted(name for k in parts for name in self.folds[k])


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
    if group_by not in GROUPINGS or (group_by == 'block') != bool(block_size):
        raise FoldError(
            f'group_by={group_by!r} with block_size={block_size!r} cannot be done: use group_by=None, '
            "group_by='city', or group_by='block' with a block_size."
        )
    names = sorted(names)
    units = [[name] for name in names] if group_by is None else _cities(names)
    if group_by == 'block':
        units = [city[i : i + block_size] for city in units for i in range(0, len(city), block_size)]
    if not 2 <= num_folds <= len(units):
        what = 'images' if group_by is None else f'groups (group_by={group_by!r})'
        raise FoldError(f'{num_folds} folds cannot be made of {len(units)} {what}: use 2 to {len(units)} folds.')
    order = np.random.RandomState(seed).permutation(len(units))
    if group_by is None:
        return [sorted(names[i] for i in part) for part in np.array_split(order, num_folds)]
    return _fill_evenly([units[i] for i in order], num_folds)


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


def fingerprint_files(files: Sequence[tuple[str, Path]]) -> str:
    """A checksum over names and sizes of files: cheap, and changed by a file added, removed or replaced."""
    digest = hashlib.sha256()
    for name, path in sorted(files):
        digest.update(f'{name} {path.stat().st_size}\n'.encode())
    return digest.hexdigest()


def write_split(split: FoldSplit, path: PathLike) -> None:
    """Write a split as readable JSON, atomically."""
    write_json({**asdict(split), 'hash': split.hash}, path)


def read_split(path: PathLike) -> FoldSplit:
    """Read a fold file.

    Raises:
        FoldError: If it is missing, incomplete, or was edited so that its checksum no longer holds.
    """
    if not Path(path).is_file():
        raise FoldError(f'Fold file {path} does not exist: make it with `python tools/prepare_data.py CONFIG`.')
    content = read_json(path)
    try:
        stored = content.pop('hash')
        split = FoldSplit(**content)
    except (KeyError, TypeError, AttributeError) as error:
        raise FoldError(f'Fold file {path} is not complete ({error}): make it anew with prepare_data.py.') from error
    if split.hash != stored:
        raise FoldError(f'Fold file {path} was edited: its checksum does not hold. Make it anew.')
    return split
