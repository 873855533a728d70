"""Cutting the images of any data set into folds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mmseg_custom.datasets.folds.fold_file import FoldSplit, fingerprint_files, make_split
from mmseg_custom.datasets.folds.grouping import FoldError, GroupBy, describe_grouping, table_hash
from mmseg_custom.datasets.folds.leaves import Sample, first_of_each
from mmseg_custom.datasets.folds.splitting import fold_units
from mmseg_custom.datasets.folds.stratify import assign_parts
from mmseg_custom.datasets.sample_files import few, is_elsewhere
from mmseg_custom.fold_settings import DEFAULT_NUM_FOLDS, DEFAULT_SEED

FILES = ('img_path', 'seg_map_path')


def make_folds(
    samples: Sequence[Sample],
    num_folds: int = DEFAULT_NUM_FOLDS,
    seed: int = DEFAULT_SEED,
    group_by: GroupBy = None,
    block_size: int | None = None,
    holdout: float = 0.0,
    pixels: np.ndarray | None = None,
    copies: Sequence[Sequence[str]] = (),
) -> FoldSplit:
    """Cut the images of any data set into folds.

    Args:
        samples: As :func:`~mmseg_custom.datasets.folds.leaves.list_samples` lists them; samples of one image stay
            together.
        num_folds: Number of folds K.
        seed: Of the shuffle.
        group_by: As :func:`~mmseg_custom.datasets.folds.grouping.group_names`.
        block_size: As there.
        holdout: Share of the images, in whole groups, that is carved out first. Defaults to 0.
        pixels: Of each class in each sample's label, of shape (samples, C): the parts are made alike by them. At
            random by default.
        copies: Names of images that are one, some lists: all go where the first goes. With groups they stay where
            their groups are.

    Raises:
        FoldError: If that cannot be done.
    """
    following = {} if group_by else {first: names for first, *names in copies}
    followers = {name for names in following.values() for name in names}
    by_name = {sample.name: sample for sample in first_of_each(samples) if sample.name not in followers}
    fingerprint = fingerprint_samples(samples)
    spec = {'num_folds': num_folds, 'seed': seed, 'group_by': group_by, 'block_size': block_size}
    if not by_name:
        raise FoldError('The data set has no image to make folds of.')
    if not isinstance(holdout, int | float) or not 0 <= holdout < 1:
        raise FoldError(f'holdout={holdout!r} is no share of the images: use 0 to below 1.')
    if pixels is None:
        return _with_copies(make_split(list(by_name), fingerprint, holdout=holdout, **spec), following)
    row = {sample.name: number for number, sample in reversed(list(enumerate(samples)))}
    units = fold_units(list(by_name), **spec)
    parts = _stratified_parts(units, np.asarray(pixels), row, num_folds, holdout, seed)
    carved = parts.pop(0) if holdout else []
    kept = {**spec, 'group_by': describe_grouping(group_by), 'table': table_hash(group_by)}
    made = FoldSplit(
        **kept, fingerprint=fingerprint, folds=parts, holdout=holdout, holdout_names=carved, stratified=True
    )
    return _with_copies(made, following)


def fingerprint_samples(samples: Sequence[Sample]) -> str:
    """A checksum of the names and sizes of all images and labels; of those that are not on a disk, of the names.

    Raises:
        FoldError: If a file is missing, naming the first.
    """
    check_files_there(samples)
    files = _files(samples)
    there = {name: Path(__file__ if is_elsewhere(path) else path) for name, path in files.items()}
    return fingerprint_files(list(there.items()))


def check_files_there(samples: Sequence[Sample]) -> None:
    """See that the images and labels of some samples are there, those that are on a disk.

    Raises:
        FoldError: If a file is missing, naming the first.
    """
    here = {path for path in _files(samples).values() if not is_elsewhere(path)}
    gone = sorted(path for path in here if not Path(path).is_file())
    if gone:
        raise FoldError(
            f'{len(gone)} images or labels of the training data are not there: {few(gone)}. Restore them, or take '
            'them off the list (ann_file).'
        )


def _files(samples: Sequence[Sample]) -> dict[str, str]:
    return {f'{kind} {one.name}': one.info[kind] for one in samples for kind in FILES if one.info.get(kind)}


def _with_copies(split: FoldSplit, following: Mapping[str, Sequence[str]]) -> FoldSplit:
    parts = [sorted(copy for name in part for copy in (name, *following.get(name, ()))) for part in split.folds]
    carved = sorted(copy for name in split.holdout_names for copy in (name, *following.get(name, ())))
    return replace(split, folds=parts, holdout_names=carved)


def _stratified_parts(
    units: Sequence[Sequence[str]],
    pixels: np.ndarray,
    row: Mapping[str, int],
    num_folds: int,
    holdout: float,
    seed: int,
) -> list[list[str]]:
    """The names of each part, the holdout first if there is one."""
    if holdout and len(units) <= num_folds:
        raise FoldError(f'holdout={holdout} and {num_folds} folds cannot be made of {len(units)} groups: use less.')
    num_images = sum(map(len, units))
    holdout = math.ceil(holdout * num_images) / num_images
    shares = np.array([*([holdout] if holdout else []), *[(1 - holdout) / num_folds] * num_folds])
    of_unit = np.array([pixels[[row[name] for name in unit]].sum(0) for unit in units])
    part_of = assign_parts(of_unit, np.array([len(unit) for unit in units]), shares, seed)
    return [
        sorted(name for unit, own in zip(units, part_of, strict=True) if own == part for name in unit)
        for part in range(len(shares))
    ]
