"""The folds of any data set: made once, kept in a file, and checked against the data at each use."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmseg_custom.datasets.folds.fold_file import FoldSplit, fingerprint_files, make_split, read_split
from mmseg_custom.datasets.folds.grouping import FoldError, GroupBy, describe_grouping, table_hash
from mmseg_custom.datasets.folds.leaves import Sample, first_of_each
from mmseg_custom.datasets.folds.nnunet_splits import is_nnunet_file, read_nnunet
from mmseg_custom.datasets.folds.splitting import fold_units
from mmseg_custom.datasets.folds.stratify import assign_parts
from mmseg_custom.datasets.packed.shard_files import is_elsewhere
from mmseg_custom.datasets.sample_files import few
from mmseg_custom.io.files import PathLike

FILES = ('img_path', 'seg_map_path')
ANEW = 'move it away and `mmseg-kfold run` makes it anew'


@dataclass(frozen=True)
class Folds:
    """The folds of a data set, as a config says them.

    Attributes:
        file: A fold file, or nnU-Net's ``splits_final.json``. ``None``, the default, for folds that are made in
            memory, the same in every process.
        num_folds: Number of folds K. Defaults to 5 where there is no file.
        seed: Of the shuffle. Defaults to 42 where there is no file.
        group_by: What stays together, as :func:`~mmseg_custom.datasets.folds.grouping.group_names`.
        block_size: Frames in a block.
        holdout: Share of the images that is carved out before the folds are made.

    What stands beside a file has to be what the file was made with.
    """

    file: PathLike | None = None
    num_folds: int | None = None
    seed: int | None = None
    group_by: GroupBy = None
    block_size: int | None = None
    holdout: float | None = None

    def split(self, samples: Sequence[Sample]) -> FoldSplit:
        """The folds of some samples.

        Raises:
            FoldError: If they cannot be made, or the file is of other data or was made otherwise.
        """
        said = {'num_folds': self.num_folds, 'seed': self.seed, 'selection': self.holdout}
        said |= {'group_by': describe_grouping(self.group_by), 'block_size': self.block_size}
        said = {key: value for key, value in said.items() if value is not None}
        if self.file is None:
            said |= {'holdout': said.pop('selection', 0.0), 'group_by': self.group_by}
            return make_folds(samples, **{'num_folds': 5, 'seed': 42, **said})
        split = read_folds(self.file, samples)
        for key, value in said.items():
            if getattr(split, key) != value:
                raise FoldError(
                    f'Fold file {self.file} was made with {key}={getattr(split, key)!r}, not {value!r}: take that '
                    f'back, or {ANEW}.'
                )
        return split


def make_folds(
    samples: Sequence[Sample],
    num_folds: int,
    seed: int,
    group_by: GroupBy = None,
    block_size: int | None = None,
    holdout: float = 0.0,
    pixels: np.ndarray | None = None,
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

    Raises:
        FoldError: If that cannot be done.
    """
    by_name = {sample.name: sample for sample in first_of_each(samples)}
    fingerprint = fingerprint_samples(samples)
    spec = {'num_folds': num_folds, 'seed': seed, 'group_by': group_by, 'block_size': block_size}
    if not by_name:
        raise FoldError('The data set has no image to make folds of.')
    if not isinstance(holdout, int | float) or not 0 <= holdout < 1:
        raise FoldError(f'holdout={holdout!r} is no share of the images: use 0 to below 1.')
    if pixels is None:
        return make_split(list(by_name), fingerprint, selection=holdout, **spec)
    row = {sample.name: number for number, sample in reversed(list(enumerate(samples)))}
    units = fold_units(list(by_name), **spec)
    parts = _stratified_parts(units, np.asarray(pixels), row, num_folds, holdout, seed)
    selected = parts.pop(0) if holdout else []
    kept = {**spec, 'group_by': describe_grouping(group_by), 'table': table_hash(group_by)}
    return FoldSplit(
        **kept, fingerprint=fingerprint, folds=parts, selection=holdout, selected=selected, stratified=True
    )


def read_folds(file: PathLike, samples: Sequence[Sample]) -> FoldSplit:
    """Read a fold file of this project, or a ``splits_final.json`` of nnU-Net, and see that it is of these samples.

    Raises:
        FoldError: If there is none, or it is of other data.
    """
    if not Path(file).is_file():
        raise FoldError(f'Fold file {file} does not exist (seen from {Path.cwd()}): `mmseg-kfold run` makes it.')
    names = {sample.name for sample in samples}
    if is_nnunet_file(file):
        return read_nnunet(file, sorted(names), fingerprint_samples(samples))
    split = read_split(file)
    known = {*split.names(None, validation=False), *split.selected}
    if known != names:
        gone, new = sorted(known - names), sorted(names - known)
        found = [f'{len(gone)} of its images are gone ({few(gone)})'] if gone else []
        found += [f'{len(new)} are new ({few(new)})'] if new else []
        raise FoldError(f'Fold file {file} is of other data: {", ".join(found)}. Restore the data, or {ANEW}.')
    if split.fingerprint != fingerprint_samples(samples):
        raise FoldError(
            f'Images or labels have changed since fold file {file} was made (files of another size): restore '
            f'them, or {ANEW}.'
        )
    return split


def fingerprint_samples(samples: Sequence[Sample]) -> str:
    """A checksum of the names and sizes of all images and labels; of those that are not on a disk, of the names.

    Raises:
        FoldError: If a file is missing, naming the first.
    """
    files = {f'{kind} {one.name}': one.info[kind] for one in samples for kind in FILES if one.info.get(kind)}
    here = [(name, Path(path)) for name, path in files.items() if not is_elsewhere(path)]
    try:
        return fingerprint_files([*here, *((name, Path(__file__)) for name in files if is_elsewhere(files[name]))])
    except FileNotFoundError as error:
        gone = [str(path) for _, path in here if not path.is_file()]
        raise FoldError(
            f'{len(gone)} images or labels of the training data are not there: {few(gone)}. Restore them, or take '
            'them off the list (ann_file).'
        ) from error


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
