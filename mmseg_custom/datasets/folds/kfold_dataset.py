"""A semantic segmentation data set that knows its folds."""

from logging import WARNING
from pathlib import Path
from typing import Any

from mmengine.logging import print_log
from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS

from mmseg_custom.datasets.checks.bad_samples import (
    BadSampleError,
    SampleError,
    Skipped,
    check_policy,
    explain_bad_sample,
    load_sample,
    mark_skipped,
)
from mmseg_custom.datasets.checks.image_modes import check_conversion
from mmseg_custom.datasets.checks.skip_list import leave_out
from mmseg_custom.datasets.class_colours import Palette, check_classes, check_palette
from mmseg_custom.datasets.folds.fold_file import (
    SPLIT_DEFAULTS,
    FoldError,
    FoldSplit,
    check_made_as,
    fingerprint_pairs,
    make_split,
    read_split,
)
from mmseg_custom.datasets.folds.grouping import Groups
from mmseg_custom.datasets.folds.splitting import group_images
from mmseg_custom.datasets.packed.packed_store import PackedStore, split_steps, store_folder
from mmseg_custom.datasets.packed.shard_files import ShardFiles
from mmseg_custom.datasets.sample_files import (
    SampleFilesError,
    as_suffixes,
    expected_file,
    is_elsewhere,
    list_files,
    list_pairs,
    suffixes_there,
    without_suffix,
)
from mmseg_custom.datasets.samplers.seeded_sampler import SampleKey, seed_sample
from mmseg_custom.fold_settings import fold_file

PARTS = ('train', 'val')
# Every image of a split, whatever is carved out of it.
WHOLE = {'train': 'all', 'val': 'val'}
SELECTION = 'selection'
WITHOUT_VAL = (
    "set images aside: folds=dict(selection=0.2) in the data sets of all three loaders and part='selection' in those "
    'of val_dataloader and test_dataloader'
)


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
        folds: How the folds are made and where they are kept: ``file``, with ``{num_folds}`` where their number
            belongs in its name, and, as in :func:`make_split`, ``num_folds``, ``seed``, ``group_by``,
            ``block_size``, ``selection``. Written once by ``tools/prepare_data.py``; a file that no longer fits the
            data is an error.
        data_prefix: Folders under ``data_root``, with ``{split}`` where the split's name belongs. Without a
            ``seg_map_path`` the images have no labels: they can be predicted.
        ann_file: A list of image names under ``data_root``, one a line, with ``{split}`` where the split's name
            belongs. Defaults to ``''``: all images in the folder.
        splits: What stands for ``{split}`` where that is not ``'train'`` and ``'val'``, such as
            ``dict(train='training', val='validation')``.
        skip_list: File with the images to leave out of both splits, see
            :mod:`~mmseg_custom.datasets.checks.skip_list`; folds are made from what remains. Defaults to ``None``.
        on_bad_sample: What to do about a sample that cannot be used (:func:`load_sample` says which). ``'stop'``,
            the default, ends the run and names the file. ``'skip'`` takes the next good sample of the part in its
            place, and the ledger lists it; in validation no pixel of the one in its place counts.
        convert_images: Which images are taken besides 8-bit RGB. ``'lossless'``, the default: grey ones, which get
            three equal channels, and those with a palette; ``'all'``: also those with an alpha channel, which is
            dropped, in CMYK, or of 16 bits, of which the upper 8 are kept; ``'never'``: none.
        packed: Folder of the packed samples that ``tools/prepare_data.py --pack`` writes. Those whose files have not
            changed since are read from there, bit for bit the same. Defaults to ``None``: all are read from files.
        **kwargs: As MMSegmentation's ``BaseSegDataset``. ``img_suffix`` and ``seg_map_suffix`` may be several, in any
            case.
    """

    def __init__(
        self,
        part: str = 'train',
        fold: int | None = None,
        folds: dict | None = None,
        data_prefix: dict | None = None,
        ann_file: str = '',
        splits: dict | None = None,
        skip_list: str | None = None,
        on_bad_sample: str = 'stop',
        convert_images: str = 'lossless',
        packed: str | None = None,
        **kwargs: Any,
    ) -> None:
        if part not in (*PARTS, SELECTION, *WHOLE.values()):
            raise ValueError(f"part={part!r} is unknown: use 'train', 'val', 'selection' or 'all'.")
        if packed and is_elsewhere(packed):
            raise SampleFilesError(
                f'packed={packed!r} is not on a local disk, where packed samples are read from: copy the folder to '
                'each machine and name it there, or leave packed=None and let data_root say where the images are.'
            )
        check_policy(on_bad_sample)
        check_conversion(convert_images)
        self.part, self.fold, self.skip_list, self.on_bad_sample = part, fold, skip_list, on_bad_sample
        self.convert_images, self.packed, self.store = convert_images, packed, None
        self.folds = {**SPLIT_DEFAULTS, **(folds or {})}
        self.folds['file'] = fold_file(self.folds)
        if part == SELECTION and not self.folds['selection']:
            raise FoldError("part='selection' needs a share to carve out: folds=dict(file=..., selection=0.1).")
        if fold is not None and not folds:
            raise FoldError(f'fold={fold} needs `folds=dict(file=..., num_folds=..., seed=...)` in the data set.')
        self.fold_split: FoldSplit | None = None
        self.split = 'val' if part == 'val' and fold is None else 'train'
        split = (splits or {}).get(self.split, self.split)
        folders = {key: path for key, path in (data_prefix or {}).items() if path is not None}
        if 'img_path' not in folders:
            raise SampleFilesError(f"data_prefix={data_prefix!r} does not say where the images are ('img_path').")
        prefix = {key: path.replace('{split}', split) for key, path in folders.items()}
        super().__init__(data_prefix=prefix, ann_file=ann_file.replace('{split}', split), **kwargs)
        if packed:
            self.store = self._open_store(packed)

    def load_data_list(self) -> list[dict]:
        """Images and labels as MMSegmentation lists them, cut down to the part and fold."""
        samples = self._samples()
        if not samples:
            there = suffixes_there(list_files(self.data_prefix['img_path'], self.backend_args)) or 'none'
            raise FileNotFoundError(
                f'No image ending in {self.img_suffix!r} under {self.data_prefix["img_path"]}: '
                f'check data_root, data_prefix and img_suffix (files there: {there}).'
            )
        if self.part == 'all' or self.split == 'val' or (self.fold is None and not self.folds['selection']):
            return samples
        self.fold_split = self._read_split(samples)
        by_name = {self.name_of(sample): sample for sample in samples}
        names = self.fold_split.selected
        if self.part != SELECTION:
            names = self.fold_split.names(self.fold, validation=self.part == 'val')
        return [by_name[name] if name in by_name else self._sample_gone(name) for name in names]

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
                data = load_sample(sample, self.pipeline, self.ignore_index, self.store, self.convert_images)
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
        return without_suffix(path, as_suffixes(self.img_suffix, 'img_suffix')) or path

    def all_names(self) -> list[str]:
        """The names of all images of the split, those of the skip list and of other parts among them."""
        return [self.name_of(sample) for sample in self._pairs()]

    @property
    def parts(self) -> list[int | str] | None:
        """Which parts of the fold file its images are, ``None`` for the whole of a split."""
        if self.fold_split is None:
            return None
        if self.part == SELECTION:
            return [SELECTION]
        return self.fold_split.parts(self.fold, validation=self.part == 'val')

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

    def fingerprint(self, samples: list[dict]) -> str:
        """A checksum of the names and sizes of all images and labels.

        Raises:
            FileNotFoundError: If a label is missing, naming it.
        """
        return fingerprint_pairs({self.name_of(sample): sample for sample in samples})

    def _open_store(self, root: str) -> PackedStore | None:
        folder = store_folder(root, self, self.split)
        if not split_steps(self.pipeline)[0] or not Path(folder).is_dir():
            return None
        samples = map(self.get_data_info, range(len(self)))
        return PackedStore(ShardFiles(folder), {self.name_of(sample): sample for sample in samples}, self.pipeline)

    def _samples(self) -> list[dict]:
        self._check_root()
        samples = self._pairs()
        if self.skip_list is None:
            return samples
        return leave_out({self.name_of(sample): sample for sample in samples}, self.split, self.skip_list)

    def _pairs(self) -> list[dict]:
        """Every image of the split with its label, before anything is left out."""
        folders = self.data_prefix['img_path'], self.data_prefix.get('seg_map_path')
        pairs = list_pairs(*folders, self.img_suffix, self.seg_map_suffix, self.ann_file, self.backend_args)
        return [self._sample(*pair) for pair in pairs]

    def _sample(self, image: str, label: str | None) -> dict:
        reading = {'label_map': self.label_map, 'reduce_zero_label': self.reduce_zero_label, 'seg_fields': []}
        return {'img_path': image, **({'seg_map_path': label} if label else {}), **reading}

    def _update_palette(self) -> Palette:
        """One colour a class: those of the metainfo, or MMSegmentation's for a data set that has none.

        Raises:
            MetainfoError: If classes or colours cannot be.
        """
        classes, palette = check_classes(self._metainfo.get('classes')), self._metainfo.get('palette')
        if self.label_map is not None and palette and len(palette) != len(classes):
            palette = super()._update_palette()
        return check_palette(classes, palette)

    def _read_split(self, samples: list[dict]) -> FoldSplit:
        split, file = read_split(self.folds['file']), self.folds['file']
        check_made_as(split, self.folds, file)
        self._check_is_train(samples, split, file)
        if self._has_changed(samples, split):
            change = f'The training images under {self.data_root} have changed since {file} was made'
            if self.on_bad_sample == 'stop':
                renew = '`python tools/prepare_data.py CONFIG --renew`'
                raise FoldError(f'{change}: restore them, or make the folds anew with {renew}.')
            print_log(f'{change}: what cannot be used is skipped.', 'current', WARNING)
        return split

    def _check_is_train(self, samples: list[dict], split: FoldSplit, file: str) -> None:
        known = {*split.names(None, validation=False), *split.selected}
        if not known.intersection(map(self.name_of, samples)):
            raise FoldError(
                f'No image of {file} is among the {len(samples)} of {self.ann_file or self.data_prefix["img_path"]}. '
                'A fold is validated on a part of the train split: say {split} in data_prefix or ann_file of all '
                "loaders (splits=dict(train='NAME', val='NAME') for other names), or make the folds anew with "
                'prepare_data.py.'
            )

    def _has_changed(self, samples: list[dict], split: FoldSplit) -> bool:
        if is_elsewhere(self.data_prefix['img_path']):
            names = [*split.names(None, validation=False), *split.selected]
            return sorted(map(self.name_of, samples)) != sorted(names)
        if self.on_bad_sample == 'skip':
            samples = [sample for sample in samples if Path(sample['seg_map_path']).is_file()]
        return split.fingerprint != self.fingerprint(samples)

    def _sample_gone(self, name: str) -> dict:
        """The sample of an image that is no longer there: the others keep their index."""
        places = (('img_path', self.img_suffix), ('seg_map_path', self.seg_map_suffix))
        return self._sample(*(expected_file(self.data_prefix[key], name, suffix) for key, suffix in places))

    def _check_root(self) -> None:
        image_folder = self.data_prefix['img_path']
        if is_elsewhere(image_folder) or Path(image_folder).is_dir():
            return
        if self.split == 'val' and self.data_root and Path(self.data_root).is_dir():
            raise FileNotFoundError(
                f'There is no val split: no folder {image_folder} (seen from {Path.cwd()}). Say where it is by '
                "data_prefix, ann_file='{split}.txt' or splits=dict(val='NAME'); without one, "
                f'{WITHOUT_VAL}. Then a fold is still validated on its held-out part.'
            )
        raise FileNotFoundError(
            f'No folder {image_folder} (seen from {Path.cwd()}): start where the project is, '
            'link your data set with `python tools/prepare_data.py CONFIG --data-root DIR`, or set data_root.'
        )


def is_kfold(dataset: dict) -> bool:
    """Whether the settings of a data set are those of a :class:`KFoldDataset`, without a wrapper around it."""
    kind = dataset.get('type')
    kind = DATASETS.get(kind) if isinstance(kind, str) else kind
    return isinstance(kind, type) and issubclass(kind, KFoldDataset)


def whole_split(dataset: dict, part: str) -> KFoldDataset:
    """The data set of a config without folds and transforms, for ``part`` ``'train'`` or ``'val'``."""
    whole = {'part': WHOLE[part], 'fold': None, 'pipeline': [], 'serialize_data': False}
    return DATASETS.build({**dataset, **whole})
