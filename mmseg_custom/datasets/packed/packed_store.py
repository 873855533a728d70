"""Samples kept as the first transforms of a pipeline leave them, to be read instead of decoded."""

import math
import os
import zlib
from collections.abc import Callable
from copy import copy
from itertools import takewhile
from logging import WARNING

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.dataset import Compose
from mmengine.logging import print_log
from mmseg.datasets import BaseSegDataset

from mmseg_custom.datasets.packed.shard_files import Row, ShardFiles
from mmseg_custom.datasets.sample_files import is_elsewhere
from mmseg_custom.io.files import hash_text

# Part of a store's name: count up when what is written changes, and older stores are no longer found.
FORMAT = 1
# Transforms that make the same of a file every time.
FIXED_STEPS = ('LoadImageFromFile', 'LoadAnnotations', 'MapLabelIds', 'Resize', 'UseWorkingSize')
ARRAYS = ('img', 'gt_seg_map')


def split_steps(pipeline: Compose) -> tuple[list[BaseTransform], list[BaseTransform]]:
    """The transforms whose results can be kept, from the start of a pipeline, and those behind them."""
    fixed = list(takewhile(lambda step: type(step).__name__ in FIXED_STEPS, pipeline.transforms))
    return fixed, pipeline.transforms[len(fixed) :]


def store_folder(root: str, dataset: BaseSegDataset, split: str) -> str:
    """Where the samples of a split are kept: another folder for every reading, size and table of ids."""
    fixed, _ = split_steps(dataset.pipeline)
    reading = [FORMAT, *map(_wherever_it_reads, fixed), dataset.label_map, dataset.reduce_zero_label]
    return f'{root.rstrip("/")}/{split}_{hash_text("; ".join(map(repr, reading)))[:12]}'


def _wherever_it_reads(step: BaseTransform) -> BaseTransform:
    step = copy(step)
    if hasattr(step, 'backend_args'):
        step.backend_args = None
    return step


def file_stamps(sample: dict) -> list[list[int]] | None:
    """The size and the time of the last change (ns) of the files of a sample; ``None`` if one is gone."""
    try:
        stats = [os.stat(sample[key]) for key in ('img_path', 'seg_map_path') if sample.get(key)]  # noqa: PTH116
    except OSError:
        return None
    return [[stat.st_size, stat.st_mtime_ns] for stat in stats]


def is_unchanged(sample: dict, row: Row) -> bool:
    """Whether the files of a sample are those that were packed; elsewhere than on a local disk their name says so."""
    return is_elsewhere(sample['img_path']) or file_stamps(sample) == row['files']


def checksum(arrays: dict[str, np.ndarray]) -> int:
    """CRC-32 over the bytes of arrays in C order."""
    value = 0
    for array in arrays.values():
        value = zlib.crc32(array, value)
    return value


class PackedStore:
    """The packed samples of a split.

    A sample is given only while its files are the ones that were packed (same size and time of change) and its bytes
    have the checksum of then; it is compared once a process. Otherwise the files are to be read. Files that are not
    on a local disk have no size and time: there a sample of the same name and the same fixed transforms is given,
    which the log says.

    Args:
        shards: Where its bytes are.
        samples: Those of the data set, by the name of their image, in order.
        pipeline: Of the data set; what it does to a packed sample is ``later_steps``.
    """

    def __init__(self, shards: ShardFiles, samples: dict[str, dict], pipeline: Compose) -> None:
        self.shards = shards
        self.later_steps = Compose(split_steps(pipeline)[1])
        kept = {row['name']: row for row in shards.rows()}
        self._rows = {
            sample['img_path']: kept[name]
            for name, sample in samples.items()
            if name in kept and is_unchanged(sample, kept[name])
        }
        if kept:
            self._say_what_it_has(samples)

    def __len__(self) -> int:
        return len(self._rows)

    def read(self, sample: dict) -> dict | None:
        """A sample as the fixed transforms leave it, its arrays its own; ``None`` if its files are to be read."""
        row = self._rows.get(sample['img_path'])
        if row is None or not is_unchanged(sample, row):
            return None
        try:
            shard = self.shards.open(row['shard'])
        except (OSError, ValueError) as error:
            self._drop(row['shard'], str(error), lambda other: other['shard'] == row['shard'])
            return None
        arrays = arrays_of(row, shard.content)
        if row['name'] not in shard.proven:
            if arrays is None or checksum(arrays) != row['checksum']:
                self._drop(row['shard'], f'damage at {row["name"]}', lambda other: other is row)
                return None
            shard.proven.add(row['name'])
        meta = {key: tuple(value) if isinstance(value, list) else value for key, value in row['meta'].items()}
        return {**sample, **meta, 'seg_fields': list(row['seg_fields']), **arrays}

    def _drop(self, shard: str, reason: str, is_lost: Callable[[Row], bool]) -> None:
        self._rows = {image: row for image, row in self._rows.items() if not is_lost(row)}
        print_log(
            f'{self.shards.folder}/{shard} cannot be used ({reason}): files are read instead. Pack anew: '
            '`python tools/prepare_data.py CONFIG --pack`.',
            'current',
            WARNING,
        )

    def _say_what_it_has(self, samples: dict[str, dict]) -> None:
        if any(is_elsewhere(sample['img_path']) for sample in samples.values()):
            print_log(
                f'{self.shards.folder}: the images are not on a local disk, so packed samples are taken by name. '
                'Pack anew when an image or label has changed.',
                'current',
            )
        if len(self) < len(samples):
            print_log(
                f'{self.shards.folder} has {len(self)} of {len(samples)} samples as their files are now; the others '
                'are read from their files, which takes longer: `python tools/prepare_data.py CONFIG --pack`.',
                'current',
                WARNING,
            )


def arrays_of(row: Row, content: np.ndarray) -> dict[str, np.ndarray] | None:
    """The arrays of a sample, copied out of the bytes of its shard; ``None`` if these end too early."""
    start, arrays = row['offset'], {}
    for key, (dtype, shape) in row['arrays'].items():
        end = start + math.prod(shape) * np.dtype(dtype).itemsize
        if end > len(content):
            return None
        arrays[key] = content[start:end].copy().view(dtype).reshape(shape)
        start = end
    return arrays
