"""Images and labels in folders, with an official train and val split: listed, checked and loaded."""

from pathlib import Path
from typing import Any

from mmseg.datasets import BaseSegDataset

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
from mmseg_custom.datasets.folds.fold_file import fingerprint_pairs
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

WITHOUT_VAL = (
    "set images aside: folds=dict(holdout=0.2) in the data sets of all three loaders and part='holdout' in those "
    'of val_dataloader and test_dataloader'
)


class FolderDataset(BaseSegDataset):
    """Every image of an official split, each with its label.

    Args:
        split: ``'train'``, the default, or ``'val'``.
        is_scored: Whether its images are scored, so that the pixels of what stands in for a bad one count nowhere;
            else they are trained on. Defaults to ``False``.
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
        split: str = 'train',
        is_scored: bool = False,
        data_prefix: dict | None = None,
        ann_file: str = '',
        splits: dict | None = None,
        skip_list: str | None = None,
        on_bad_sample: str = 'stop',
        convert_images: str = 'lossless',
        packed: str | None = None,
        **kwargs: Any,
    ) -> None:
        if packed and is_elsewhere(packed):
            raise SampleFilesError(
                f'packed={packed!r} is not on a local disk, where packed samples are read from: copy the folder to '
                'each machine and name it there, or leave packed=None and let data_root say where the images are.'
            )
        check_policy(on_bad_sample)
        check_conversion(convert_images)
        self.split, self.is_scored, self.skip_list, self.on_bad_sample = split, is_scored, skip_list, on_bad_sample
        self.convert_images, self.packed, self.store = convert_images, packed, None
        named = (splits or {}).get(split, split)
        folders = {key: path for key, path in (data_prefix or {}).items() if path is not None}
        if 'img_path' not in folders:
            raise SampleFilesError(f"data_prefix={data_prefix!r} does not say where the images are ('img_path').")
        prefix = {key: path.replace('{split}', named) for key, path in folders.items()}
        super().__init__(data_prefix=prefix, ann_file=ann_file.replace('{split}', named), **kwargs)
        if packed:
            self.store = self._open_store(packed)

    def load_data_list(self) -> list[dict]:
        """Images and labels as MMSegmentation lists them, without those of the skip list.

        Raises:
            FileNotFoundError: If there is none.
        """
        samples = self._samples()
        if not samples:
            there = suffixes_there(list_files(self.data_prefix['img_path'], self.backend_args)) or 'none'
            raise FileNotFoundError(
                f'No image ending in {self.img_suffix!r} under {self.data_prefix["img_path"]}: '
                f'check data_root, data_prefix and img_suffix (files there: {there}).'
            )
        return samples

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
                uncounted = self.ignore_index if self.is_scored else None
                return mark_skipped(data, skipped, uncounted) if skipped else data
        first = explain_bad_sample(*next(iter(skipped.items())))
        raise SampleError(f'None of the {len(self)} samples can be used. {first}')

    def name_of(self, sample: dict) -> str:
        """An image's name: its path under the image folder, without the suffix."""
        path = Path(sample['img_path']).relative_to(self.data_prefix['img_path']).as_posix()
        return without_suffix(path, as_suffixes(self.img_suffix, 'img_suffix')) or path

    def all_names(self) -> list[str]:
        """The names of all images of the split, those of the skip list among them."""
        return [self.name_of(sample) for sample in self._pairs()]

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
