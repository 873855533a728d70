"""A semantic segmentation data set that knows its folds."""

from logging import WARNING
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log
from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS

from mmseg_custom.datasets.bad_samples import (
    BadSampleError,
    SampleError,
    Skipped,
    check_policy,
    explain_bad_sample,
    load_sample,
    mark_skipped,
)
from mmseg_custom.datasets.folds import (
    SPLIT_DEFAULTS,
    FoldError,
    FoldSplit,
    check_made_as,
    fingerprint_pairs,
    make_split,
    read_split,
)
from mmseg_custom.datasets.packed_store import PackedStore, split_steps, store_folder
from mmseg_custom.datasets.sampler import SampleKey, seed_sample
from mmseg_custom.datasets.shard_files import find_shards, is_elsewhere
from mmseg_custom.datasets.skip_list import leave_out

PARTS = ('train', 'val')
# Every image of a split, whatever is carved out of it.
WHOLE = {'train': 'all', 'val': 'val'}
SELECTION = 'selection'


@DATASETS.register_module()
class KFoldDataset(BaseSegDataset):
    """Image and label folders with an official train and val split, the former cut into folds.

    +-----------+--------------------------+------------------------------+
    |           | ``fold=None``            | ``fold=k``                   |
    +===========+==========================+==============================+
    | ``train`` | the whole train split    | the train split but part k   |
    +-----------+--------------------------+------------------------------+
    | ``val``   | the official val split   | part k of the train split    |
    +-----------+--------------------------+------------------------------+

    What ``folds=dict(selection=0.1)`` carves out of the train split belongs to none of these: it is
    ``part='selection'``, whatever the fold. ``part='all'`` is the train split with it.

    Args:
        part: ``'train'``, ``'val'``, ``'selection'`` or ``'all'``.
        fold: ``None`` or 1 to K.
        folds: How the folds are made and where they are kept: ``file`` and, as in
            :func:`make_split`, ``num_folds``, ``seed``, ``group_by``, ``block_size``, ``selection``.
            Written once by ``tools/prepare_data.py``; a file that no longer fits the data is an error.
        data_prefix: Folders under ``data_root``, with ``{split}`` where the split's name belongs.
        skip_list: File with the images to leave out of both splits, see
            :mod:`~mmseg_custom.datasets.skip_list`; folds are made from what remains. Defaults to ``None``.
        on_bad_sample: What to do about a sample that cannot be used (:func:`load_sample` says which). ``'stop'``,
            the default, ends the run and names the file. ``'skip'`` takes the next good sample of the part in its
            place, and the ledger lists it; in validation no pixel of the one in its place counts.
        packed: Folder of the packed samples that ``tools/prepare_data.py --pack`` writes. Those whose files have not
            changed since are read from there, bit for bit the same. With a prefix that ``mmengine.fileio`` knows
            (``'s3://bucket/packed'``) it is fetched from there, with ``backend_args`` if they are given. Defaults to
            ``None``: all are read from files.
        open_shards: Shards of a store that is not on a local disk which a process keeps in its memory, 268 MB each;
            :class:`ShardedSampler` shuffles the samples of as many together, wherever they are. Defaults to 4.
        **kwargs: As the host's ``BaseSegDataset``.
    """

    def __init__(
        self,
        part: str = 'train',
        fold: int | None = None,
        folds: dict | None = None,
        data_prefix: dict | None = None,
        skip_list: str | None = None,
        on_bad_sample: str = 'stop',
        packed: str | None = None,
        open_shards: int = 4,
        **kwargs: Any,
    ) -> None:
        if part not in (*PARTS, SELECTION, *WHOLE.values()):
            raise ValueError(f"part={part!r} is unknown: use 'train', 'val', 'selection' or 'all'.")
        if open_shards < 1:
            raise ValueError(f'open_shards={open_shards!r}: at least 1 shard has to be open.')
        check_policy(on_bad_sample)
        self.part, self.fold, self.skip_list, self.on_bad_sample = part, fold, skip_list, on_bad_sample
        self.packed, self.open_shards, self.store = packed, open_shards, None
        self.folds = {**SPLIT_DEFAULTS, **(folds or {})}
        if part == SELECTION and not self.folds['selection']:
            raise FoldError("part='selection' needs a share to carve out: folds=dict(file=..., selection=0.1).")
        if fold is not None and not folds:
            raise FoldError(f'fold={fold} needs `folds=dict(file=..., num_folds=..., seed=...)` in the data set.')
        self.fold_split: FoldSplit | None = None
        self.split = 'val' if part == 'val' and fold is None else 'train'
        prefix = {key: path.format(split=self.split) for key, path in (data_prefix or {}).items()}
        super().__init__(data_prefix=prefix, **kwargs)
        if packed:
            self.store = self._open_store(packed)

    def load_data_list(self) -> list[dict]:
        """The host's list of images and labels, cut down to the part and fold."""
        samples = self._samples()
        if not samples:
            raise FileNotFoundError(
                f'No image ending in {self.img_suffix!r} under {self.data_prefix["img_path"]}: '
                'check data_root, data_prefix and img_suffix.'
            )
        if self.part == 'all' or self.split == 'val' or (self.fold is None and not self.folds['selection']):
            return samples
        self.fold_split = self._read_split(samples)
        by_name = {self.name_of(sample): sample for sample in samples}
        names = self.fold_split.selected
        if self.part != SELECTION:
            names = self.fold_split.names(self.fold, validation=self.part == 'val')
        return [by_name[name] if name in by_name else self._sample_gone(name, samples[0]) for name in names]

    def __getitem__(self, key: int | SampleKey) -> dict:
        """The sample at an index, its randomness that of its :class:`SampleKey` when it comes with one."""
        if isinstance(key, SampleKey):
            seed_sample(key)
        return super().__getitem__(int(key))

    def prepare_data(self, index: int) -> dict:
        """Load and transform a sample, or do what ``on_bad_sample`` says.

        What stands in for a bad one is a function of the index and the files alone: a resumed run sees the same.

        Raises:
            SampleError: If it cannot be used and nothing can stand in for it, naming the image.
        """
        skipped: Skipped = {}
        for substitute in range(index, index + len(self)):
            sample = self.get_data_info(substitute % len(self))
            try:
                data = load_sample(sample, self.pipeline, self.ignore_index, self.store)
            except BadSampleError as error:
                if self.on_bad_sample == 'stop':
                    raise SampleError(explain_bad_sample(sample['img_path'], error)) from error.__cause__
                skipped[sample['img_path']] = str(error)
            else:
                uncounted = None if self.part == 'train' else self.ignore_index
                return mark_skipped(data, skipped, uncounted) if skipped else data
        first = explain_bad_sample(*next(iter(skipped.items())))
        raise SampleError(f'None of the {len(self)} samples can be used. {first}')

    def name_of(self, sample: dict) -> str:
        """An image's name: its path under the image folder, without the suffix."""
        path = Path(sample['img_path']).relative_to(self.data_prefix['img_path']).as_posix()
        return path[: -len(self.img_suffix)]

    @property
    def parts(self) -> list[int | str] | None:
        """Which parts of the fold file its images are, ``None`` for the whole of a split."""
        if self.fold_split is None:
            return None
        if self.part == SELECTION:
            return [SELECTION]
        return self.fold_split.parts(self.fold, validation=self.part == 'val')

    @property
    def shard_numbers(self) -> np.ndarray:
        """The shard of each sample, of shape (samples,); those that are read from files have -1."""
        return self.store.shard_numbers if self.store else np.full(len(self), -1)

    def make_split(self) -> FoldSplit:
        """Cut the train split into folds as ``folds`` says.

        Raises:
            FoldError: If that cannot be done.
        """
        samples = self._samples()
        names = [self.name_of(sample) for sample in samples]
        return make_split(names, self.fingerprint(samples), **{key: self.folds[key] for key in SPLIT_DEFAULTS})

    def fingerprint(self, samples: list[dict]) -> str:
        """A checksum of the names and sizes of all images and labels.

        Raises:
            FileNotFoundError: If a label is missing, naming it.
        """
        return fingerprint_pairs({self.name_of(sample): sample for sample in samples})

    def _open_store(self, root: str) -> PackedStore | None:
        if not split_steps(self.pipeline)[0]:
            return None
        shards = find_shards(store_folder(root, self, self.split), self.open_shards, self.backend_args)
        if shards is None:
            return None
        samples = map(self.get_data_info, range(len(self)))
        return PackedStore(shards, {self.name_of(sample): sample for sample in samples}, self.pipeline)

    def _samples(self) -> list[dict]:
        self._check_root()
        samples = super().load_data_list()
        if self.skip_list is None:
            return samples
        return leave_out({self.name_of(sample): sample for sample in samples}, self.split, self.skip_list)

    def _read_split(self, samples: list[dict]) -> FoldSplit:
        split, file = read_split(self.folds['file']), self.folds['file']
        check_made_as(split, self.folds, file)
        if self._has_changed(samples, split):
            change = f'The training images under {self.data_root} have changed since {file} was made'
            if self.on_bad_sample == 'stop':
                renew = '`python tools/prepare_data.py CONFIG --renew`'
                raise FoldError(f'{change}: restore them, or make the folds anew with {renew}.')
            print_log(f'{change}: what cannot be used is skipped.', 'current', WARNING)
        return split

    def _has_changed(self, samples: list[dict], split: FoldSplit) -> bool:
        if is_elsewhere(self.data_prefix['img_path']):
            names = [*split.names(None, validation=False), *split.selected]
            return sorted(map(self.name_of, samples)) != sorted(names)
        if self.on_bad_sample == 'skip':
            samples = [sample for sample in samples if Path(sample['seg_map_path']).is_file()]
        return split.fingerprint != self.fingerprint(samples)

    def _sample_gone(self, name: str, other: dict) -> dict:
        """The sample of an image that is no longer there: the others keep their index."""
        prefix = self.data_prefix
        image = Path(prefix['img_path'], name + self.img_suffix)
        label = Path(prefix['seg_map_path'], name + self.seg_map_suffix)
        return {**other, 'img_path': str(image), 'seg_map_path': str(label)}

    def _check_root(self) -> None:
        image_folder = self.data_prefix['img_path']
        if not is_elsewhere(image_folder) and not Path(image_folder).is_dir():
            raise FileNotFoundError(
                f'No folder {image_folder} (seen from {Path.cwd()}): start where the project is, '
                'link your data set with `python tools/prepare_data.py CONFIG --data-root DIR`, or set data_root.'
            )


def whole_split(dataset: dict, part: str) -> KFoldDataset:
    """The data set of a config without folds and transforms, for ``part`` ``'train'`` or ``'val'``."""
    whole = {'part': WHOLE[part], 'fold': None, 'pipeline': [], 'serialize_data': False}
    return DATASETS.build({**dataset, **whole})
