"""The folds of any data set as a config says them: made, or read from a file and checked against the data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from mmseg_custom.datasets.folds.fold_file import SPLIT_DEFAULTS, FoldSplit, check_made_as, read_split
from mmseg_custom.datasets.folds.grouping import FoldError, GroupBy
from mmseg_custom.datasets.folds.leaves import Sample
from mmseg_custom.datasets.folds.make_folds import check_files_there, fingerprint_samples, make_folds
from mmseg_custom.datasets.folds.nnunet_splits import is_nnunet_file, read_nnunet
from mmseg_custom.datasets.sample_files import few
from mmseg_custom.io.files import PathLike, read_json

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

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> 'Folds':
        """The folds of a config's ``folds=dict(...)``.

        Raises:
            FoldError: If it says something else.
        """
        known = [field.name for field in fields(cls)]
        other = sorted(set(settings) - set(known))
        if other:
            raise FoldError(f'folds: {other[0]!r} is unknown; folds of any data set take {", ".join(known)}.')
        return cls(**settings)

    def split(self, samples: Sequence[Sample]) -> FoldSplit:
        """The folds of some samples.

        Raises:
            FoldError: If they cannot be made, or the file is of other data or was made otherwise.
        """
        said = {key: getattr(self, key) for key in SPLIT_DEFAULTS if getattr(self, key) is not None}
        if self.file is None:
            return make_folds(samples, **said)
        split = read_folds(self.file, samples)
        mended = 'leave the latter out' if is_nnunet_file(self.file) else f'take that back, or {ANEW}'
        check_made_as(split, said, self.file, ANEW, mended)
        return split


def num_folds_in(file: PathLike) -> int | None:
    """The number of folds in a file, of this project or of nnU-Net; ``None`` while there is none.

    Raises:
        JsonError: If it is damaged.
    """
    if not Path(file).is_file():
        return None
    return len(read_json(file)) if is_nnunet_file(file) else read_split(file).num_folds


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
    known = {*split.names(None, validation=False), *split.holdout_names}
    if known != names:
        gone, new = sorted(known - names), sorted(names - known)
        found = [f'{len(gone)} of its images are gone ({few(gone)})'] if gone else []
        found += [f'{len(new)} are new ({few(new)})'] if new else []
        raise FoldError(f'Fold file {file} is of other data: {", ".join(found)}. Restore the data, or {ANEW}.')
    check_files_there(samples)  # What they hold does not matter here: the folds are made of names.
    return split
