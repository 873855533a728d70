"""The folds of the training images, and the readable file that keeps them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from mmseg_custom.datasets.splitting import FoldError, carve_selection, split_folds
from mmseg_custom.engine.files import PathLike, hash_text, read_json, write_json

# What a config says about its folds, and what it need not say.
SPLIT_DEFAULTS = {'num_folds': 5, 'seed': 42, 'group_by': None, 'block_size': None, 'selection': 0.0}


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
        selection: Share of the images that was carved out first and is never trained on. Defaults to 0.
        selected: The names of these images; they belong to no part.
    """

    num_folds: int
    seed: int
    group_by: str | None
    block_size: int | None
    fingerprint: str
    folds: list[list[str]]
    selection: float = 0.0
    selected: list[str] = field(default_factory=list)

    @property
    def hash(self) -> str:
        """A checksum of which image is in which part."""
        lines = [f'{k} {name}' for k, part in enumerate(self.folds) for name in part]
        return hash_text('\n'.join([*lines, *(f'selection {name}' for name in self.selected)]))

    def parts(self, fold: int | None, validation: bool) -> list[int]:
        """The numbers of the parts that fold ``fold`` (1 to K) validates on, or of those it trains on.

        Args:
            fold: ``None`` for all parts.
            validation: Which of the two.

        Raises:
            FoldError: If there is no such fold.
        """
        if fold is not None and not 1 <= fold <= self.num_folds:
            raise FoldError(f'Fold {fold} does not exist: the split has folds 1 to {self.num_folds}.')
        return [k for k in range(1, self.num_folds + 1) if fold is None or (k == fold) == validation]

    def names(self, fold: int | None, validation: bool) -> list[str]:
        """The images of :meth:`parts`, sorted."""
        return sorted(name for k in self.parts(fold, validation) for name in self.folds[k - 1])


def make_split(names: Sequence[str], fingerprint: str, selection: float = 0.0, **spec: int | str | None) -> FoldSplit:
    """Carve out the selection, then split the other images into folds.

    Args:
        names: As :func:`split_folds`.
        fingerprint: Of the files.
        selection: As :func:`carve_selection`'s ``share``. Defaults to 0: nothing is carved out.
        **spec: As :func:`split_folds`.

    Raises:
        FoldError: If that cannot be done.
    """
    grouping = {key: value for key, value in spec.items() if key != 'num_folds'}
    selected = carve_selection(names, selection, **grouping) if selection else []
    folds = split_folds(sorted(set(names) - set(selected)), **spec)
    return FoldSplit(**spec, fingerprint=fingerprint, folds=folds, selection=selection, selected=selected)


def fingerprint_files(files: Sequence[tuple[str, Path]]) -> str:
    """A checksum over names and sizes of files: cheap, and changed by a file added, removed or replaced."""
    digest = hashlib.sha256()
    for name, path in sorted(files):
        digest.update(f'{name} {path.stat().st_size}\n'.encode())
    return digest.hexdigest()


def fingerprint_pairs(samples: Mapping[str, dict]) -> str:
    """A checksum of the names and sizes of all images and labels.

    Args:
        samples: As the host lists them, by image name.

    Raises:
        FileNotFoundError: If a label is missing, naming it.
    """
    missing = [sample['seg_map_path'] for sample in samples.values() if not Path(sample['seg_map_path']).is_file()]
    if missing:
        raise FileNotFoundError(f'{len(missing)} images have no label, the first one {missing[0]}.')
    kinds = ('img_path', 'seg_map_path')
    return fingerprint_files(
        [(f'{kind} {name}', Path(sample[kind])) for name, sample in samples.items() for kind in kinds]
    )


def check_made_as(split: FoldSplit, spec: Mapping[str, object], file: PathLike) -> None:
    """Compare a split with what a config says about its folds.

    Raises:
        FoldError: If they differ, naming the setting.
    """
    for key in SPLIT_DEFAULTS:
        if getattr(split, key) != spec[key]:
            raise FoldError(
                f'Fold file {file} was made with {key}={getattr(split, key)!r}, but the config says '
                f'{spec[key]!r}: change the config, or make the folds anew with prepare_data.py.'
            )


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
