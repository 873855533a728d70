"""A semantic segmentation data set that knows its folds."""

from logging import WARNING
from pathlib import Path
from typing import Any

from mmengine.logging import print_log
from mmseg.registry import DATASETS

from mmseg_custom.datasets.folder_dataset import FolderDataset
from mmseg_custom.datasets.folds.any_folds import Folds
from mmseg_custom.datasets.folds.fold_file import (
    HOLDOUT,
    SPLIT_DEFAULTS,
    TRAIN,
    VAL,
    FoldError,
    FoldSplit,
    check_made_as,
    make_split,
    read_split,
)
from mmseg_custom.datasets.folds.grouping import Groups
from mmseg_custom.datasets.folds.splitting import group_images
from mmseg_custom.datasets.sample_files import is_elsewhere
from mmseg_custom.fold_settings import fold_file

PARTS = (TRAIN, VAL)
# Every image of a split, whatever is carved out of it.
WHOLE = {TRAIN: 'all', VAL: VAL}
ANEW = 'make the folds anew with `python tools/prepare_data.py CONFIG --renew`'


@DATASETS.register_module()
class KFoldDataset(FolderDataset):
    """Image and label folders with an official train and val split, the former cut into folds.

    +-----------+--------------------------+------------------------------+
    |           | ``fold=None``            | ``fold=k``                   |
    +===========+==========================+==============================+
    | ``train`` | the whole train split    | the train split but part k   |
    +-----------+--------------------------+------------------------------+
    | ``val``   | the official val split   | part k of the train split    |
    +-----------+--------------------------+------------------------------+

    What ``folds=dict(holdout=0.1)`` carves out of the train split belongs to none of these: it is
    ``part='holdout'``, whatever the fold. ``part='all'`` is the train split with it.

    Args:
        part: ``'train'``, ``'val'``, ``'holdout'`` or ``'all'``.
        fold: ``None`` or 1 to K.
        folds: How the folds are made and where they are kept, as
            :class:`~mmseg_custom.datasets.folds.any_folds.Folds`: ``file``, with ``{num_folds}`` where their number
            belongs in its name, ``num_folds``, ``seed``, ``group_by``, ``block_size``, ``holdout``. Written once by
            ``tools/prepare_data.py``; a file that no longer fits the data is an error.
        **kwargs: As :class:`~mmseg_custom.datasets.folder_dataset.FolderDataset`.
    """

    def __init__(self, part: str = TRAIN, fold: int | None = None, folds: dict | None = None, **kwargs: Any) -> None:
        if part not in (*PARTS, HOLDOUT, *WHOLE.values()):
            raise ValueError(f"part={part!r} is unknown: use 'train', 'val', 'holdout' or 'all'.")
        Folds.from_settings(folds or {})  # Nothing else is said there.
        self.part, self.fold = part, fold
        self.folds = {**SPLIT_DEFAULTS, **(folds or {})}
        self.folds['file'] = fold_file(self.folds)
        if part == HOLDOUT and not self.folds['holdout']:
            raise FoldError("part='holdout' needs a share to carve out: folds=dict(file=..., holdout=0.1).")
        if fold is not None and not folds:
            raise FoldError(f'fold={fold} needs `folds=dict(file=..., num_folds=..., seed=...)` in the data set.')
        self.fold_split: FoldSplit | None = None
        split = VAL if part == VAL and fold is None else TRAIN
        super().__init__(split=split, is_scored=part != TRAIN, **kwargs)

    def load_data_list(self) -> list[dict]:
        """Images and labels as MMSegmentation lists them, cut down to the part and fold."""
        samples = super().load_data_list()
        if self.part == 'all' or self.split == VAL or (self.fold is None and not self.folds['holdout']):
            return samples
        self.fold_split = self._read_split(samples)
        by_name = {self.name_of(sample): sample for sample in samples}
        names = self.fold_split.names_of(self.part, self.fold)
        return [by_name[name] if name in by_name else self._sample_gone(name) for name in names]

    @property
    def parts(self) -> list[int | str] | None:
        """Which parts of the fold file its images are, ``None`` for the whole of a split."""
        if self.fold_split is None:
            return None
        if self.part == HOLDOUT:
            return [HOLDOUT]
        return self.fold_split.parts(self.fold, validation=self.part == VAL)

    def make_split(self) -> FoldSplit:
        """Cut the train split into folds as ``folds`` says.

        Raises:
            FoldError: If that cannot be done.
        """
        samples = self._samples()
        names = [self.name_of(sample) for sample in samples]
        return make_split(names, self.fingerprint(samples), **{key: self.folds[key] for key in SPLIT_DEFAULTS})

    def groups(self) -> Groups | None:
        """The images of the train split that stay together, by group; ``None`` if ``folds`` asks for no groups.

        Raises:
            FoldError: If that cannot be done.
        """
        if self.folds['group_by'] is None:
            return None
        names = [self.name_of(sample) for sample in self._samples()]
        return group_images(names, self.folds['group_by'], self.folds['block_size'])

    def _read_split(self, samples: list[dict]) -> FoldSplit:
        split, file = read_split(self.folds['file']), self.folds['file']
        check_made_as(split, {key: self.folds[key] for key in SPLIT_DEFAULTS}, file, ANEW)
        self._check_is_train(samples, split, file)
        if self._has_changed(samples, split):
            change = f'The training images under {self.data_root} have changed since {file} was made'
            if self.on_bad_sample == 'stop':
                raise FoldError(f'{change}: restore them, or {ANEW}.')
            print_log(f'{change}: what cannot be used is skipped.', 'current', WARNING)
        return split

    def _check_is_train(self, samples: list[dict], split: FoldSplit, file: str) -> None:
        known = {*split.names(None, validation=False), *split.holdout_names}
        if not known.intersection(map(self.name_of, samples)):
            raise FoldError(
                f'No image of {file} is among the {len(samples)} of {self.ann_file or self.data_prefix["img_path"]}. '
                'A fold is validated on a part of the train split: say {split} in data_prefix or ann_file of all '
                "loaders (splits=dict(train='NAME', val='NAME') for other names), or make the folds anew with "
                'prepare_data.py.'
            )

    def _has_changed(self, samples: list[dict], split: FoldSplit) -> bool:
        if is_elsewhere(self.data_prefix['img_path']):
            names = [*split.names(None, validation=False), *split.holdout_names]
            return sorted(map(self.name_of, samples)) != sorted(names)
        if self.on_bad_sample == 'skip':
            samples = [sample for sample in samples if Path(sample['seg_map_path']).is_file()]
        return split.fingerprint != self.fingerprint(samples)


def is_kfold(dataset: dict) -> bool:
    """Whether the settings of a data set are those of a :class:`KFoldDataset`, without a wrapper around it."""
    kind = dataset.get('type')
    kind = DATASETS.get(kind) if isinstance(kind, str) else kind
    return isinstance(kind, type) and issubclass(kind, KFoldDataset)


def whole_split(dataset: dict, part: str) -> KFoldDataset:
    """The data set of a config without folds and transforms, for ``part`` ``'train'`` or ``'val'``."""
    whole = {'part': WHOLE[part], 'fold': None, 'pipeline': [], 'serialize_data': False}
    return DATASETS.build({**dataset, **whole})
