"""The folds of the training images, and the readable file that keeps them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mmseg_custom.datasets.folds.grouping import FoldError, GroupBy, describe_grouping, table_hash
from mmseg_custom.datasets.folds.splitting import carve_holdout, split_folds
from mmseg_custom.fold_settings import DEFAULT_NUM_FOLDS, DEFAULT_SEED, NUM_FOLDS
from mmseg_custom.io.files import PathLike, hash_text, read_json, write_json

# One line of a terminal.
GROUPS_SHOWN = 8
# What a config says about its folds, and what it need not say; 5 folds and seed 42 are those of the published recipe.
SPLIT_DEFAULTS = {
    NUM_FOLDS: DEFAULT_NUM_FOLDS,
    'seed': DEFAULT_SEED,
    'group_by': None,
    'block_size': None,
    'holdout': 0.0,
}
# The parts of the training images that a fold has, and what is carved out of them before there are folds.
TRAIN, VAL, HOLDOUT = 'train', 'val', 'holdout'
# What these two are called in a fold file, of which many are kept beside results.
NAMES_IN_FILE = {'holdout': 'selection', 'holdout_names': 'selected'}


@dataclass(frozen=True)
class FoldSplit:
    """A split of the training images into folds, as kept in a fold file.

    Attributes:
        num_folds: Number of parts, K.
        seed: Seed of the shuffle.
        group_by: What stays together, as :func:`~mmseg_custom.datasets.folds.grouping.group_names`; a function by its
            dotted name.
        block_size: Frames in a block.
        fingerprint: Of the training files the split was made from, see :func:`fingerprint_files`.
        folds: The image names of each part, K lists. Fold k (from 1) validates on part k.
        holdout: Share of the images that was carved out first and is never trained on. Defaults to 0.
        holdout_names: The names of these images; they belong to no part.
        table: Checksum of the table of groups, if ``group_by`` names one. Defaults to ``None``.
        stratified: Whether the parts were made alike by the pixels of each class. Defaults to ``False``.
        not_trained: The images that fold k does not train on although they are of other parts, K lists; ``[]``, the
            default, for none.
    """

    num_folds: int
    seed: int
    group_by: str | None
    block_size: int | None
    fingerprint: str
    folds: list[list[str]]
    holdout: float = 0.0
    holdout_names: list[str] = field(default_factory=list)
    table: str | None = None
    stratified: bool = False
    not_trained: list[list[str]] = field(default_factory=list)

    @property
    def hash(self) -> str:
        """A checksum of which image is in which part."""
        lines = [f'{k} {name}' for k, part in enumerate(self.folds) for name in part]
        lines += [f'selection {name}' for name in self.holdout_names]
        lines += [f'{k} without {name}' for k, names in enumerate(self.not_trained) for name in names]
        return hash_text('\n'.join(lines))

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
        without = set() if validation or fold is None or not self.not_trained else set(self.not_trained[fold - 1])
        return sorted(name for k in self.parts(fold, validation) for name in self.folds[k - 1] if name not in without)

    def names_of(self, part: str, fold: int | None) -> list[str]:
        """The images that a fold trains on (``'train'``), is validated on (``'val'``), or the holdout; sorted."""
        return self.holdout_names if part == HOLDOUT else self.names(fold, validation=part == VAL)


def make_split(names: Sequence[str], fingerprint: str, holdout: float = 0.0, **spec: int | GroupBy) -> FoldSplit:
    """Carve out the holdout, then split the other images into folds.

    Args:
        names: As :func:`split_folds`.
        fingerprint: Of the files.
        holdout: As :func:`carve_holdout`'s ``share``. Defaults to 0: nothing is carved out.
        **spec: As :func:`split_folds`.

    Raises:
        FoldError: If that cannot be done.
    """
    grouping = {key: value for key, value in spec.items() if key != 'num_folds'}
    holdout_names = carve_holdout(names, holdout, **grouping) if holdout else []
    folds = split_folds(sorted(set(names) - set(holdout_names)), **spec)
    kept = {**spec, 'group_by': describe_grouping(spec['group_by']), 'table': table_hash(spec['group_by'])}
    return FoldSplit(**kept, fingerprint=fingerprint, folds=folds, holdout=holdout, holdout_names=holdout_names)


def fingerprint_files(files: Sequence[tuple[str, Path]]) -> str:
    """A checksum over names and sizes of files: cheap, and changed by a file added, removed or replaced."""
    digest = hashlib.sha256()
    for name, path in sorted(files):
        digest.update(f'{name} {path.stat().st_size}\n'.encode())
    return digest.hexdigest()


def check_pairs(samples: Sequence[dict]) -> None:
    """See that the image and the label of every sample are there.

    Raises:
        FileNotFoundError: If one is missing, naming the first.
    """
    gone = [sample['img_path'] for sample in samples if not Path(sample['img_path']).is_file()]
    if gone:
        raise FileNotFoundError(f'{len(gone)} images are not there, the first one {gone[0]}.')
    if samples and 'seg_map_path' not in samples[0]:
        raise FoldError("The data set has no folder of labels: give it data_prefix=dict(seg_map_path='FOLDER').")
    missing = [sample['seg_map_path'] for sample in samples if not Path(sample['seg_map_path']).is_file()]
    if missing:
        raise FileNotFoundError(f'{len(missing)} images have no label, the first one {missing[0]}.')


def fingerprint_pairs(samples: Mapping[str, dict]) -> str:
    """A checksum of the names and sizes of all images and labels.

    Args:
        samples: As MMSegmentation lists them, by image name.

    Raises:
        FileNotFoundError: If a file is missing, as :func:`check_pairs`.
    """
    check_pairs(list(samples.values()))
    kinds = ('img_path', 'seg_map_path')
    return fingerprint_files(
        [(f'{kind} {name}', Path(sample[kind])) for name, sample in samples.items() for kind in kinds]
    )


def describe_groups(groups: Mapping[str, Sequence[str]], split: FoldSplit) -> str:
    """A line on the groups that a split was made of and their sizes, and one a part with its groups."""
    sizes = sorted((len(group) for group in groups.values()), reverse=True)
    lines = [
        f'{len(groups)} groups by {split.group_by!r} of {sizes[-1]} to {sizes[0]} images: '
        + _with_sizes({name: len(group) for name, group in groups.items()})
    ]
    parts = {**{f'part {k}': part for k, part in enumerate(split.folds, start=1)}, HOLDOUT: split.holdout_names}
    for title, names in parts.items():
        inside = {name: len(common) for name, group in groups.items() if (common := set(group) & set(names))}
        if inside:
            lines.append(f'  {title}: {len(names)} images in {len(inside)} groups: {_with_sizes(inside)}')
    return '\n'.join(lines)


def _with_sizes(sizes: Mapping[str, int]) -> str:
    largest = sorted(sizes, key=lambda name: -sizes[name])
    shown = [f'{name} ({sizes[name]})' for name in largest[:GROUPS_SHOWN]]
    return ', '.join(shown) + (', ...' if len(sizes) > GROUPS_SHOWN else '')


def check_made_as(
    split: FoldSplit, said: Mapping[str, Any], file: PathLike, way_out: str, mended: str | None = None
) -> None:
    """Compare a split with what a config says about its folds.

    Args:
        split: As it is in the file.
        said: Some of the keys of :data:`SPLIT_DEFAULTS`.
        file: The fold file.
        way_out: How the file is made anew.
        mended: What to do about a setting; by default to take it back, or ``way_out``.

    Raises:
        FoldError: If they differ, naming the setting.
    """
    for key, value in said.items():
        value = describe_grouping(value) if key == 'group_by' else value
        if getattr(split, key) != value:
            raise FoldError(
                f'Fold file {file} was made with {key}={getattr(split, key)!r}, not {value!r}: '
                f'{mended or f"take that back, or {way_out}"}.'
            )
    if table_hash(said.get('group_by')) not in (None, split.table):
        raise FoldError(f'The table {said["group_by"]} has changed since {file} was made: restore it, or {way_out}.')


def write_split(split: FoldSplit, path: PathLike) -> None:
    """Write a split as readable JSON, atomically."""
    content = {NAMES_IN_FILE.get(name, name): value for name, value in asdict(split).items()}
    write_json({**content, 'hash': split.hash}, path)


def read_split(path: PathLike) -> FoldSplit:
    """Read a fold file.

    Raises:
        FoldError: If it is missing, incomplete, or was edited so that its checksum no longer holds.
    """
    if not Path(path).is_file():
        raise FoldError(f'Fold file {path} does not exist: make it with `python tools/prepare_data.py CONFIG`.')
    content, fields = read_json(path), {in_file: name for name, in_file in NAMES_IN_FILE.items()}
    try:
        stored = content.pop('hash')
        split = FoldSplit(**{fields.get(name, name): value for name, value in content.items()})
    except (KeyError, TypeError, AttributeError) as error:
        raise FoldError(f'Fold file {path} is not complete ({error}): make it anew with prepare_data.py.') from error
    if split.hash != stored:
        raise FoldError(f'Fold file {path} was edited: its checksum does not hold. Make it anew.')
    return split
