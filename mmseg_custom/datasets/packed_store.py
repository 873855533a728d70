"""Samples kept as the first transforms of a pipeline leave them, to be read instead of decoded."""

import math
import os
import zlib
from itertools import takewhile
from logging import WARNING
from pathlib import Path
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.dataset import Compose
from mmengine.logging import print_log
from mmseg.datasets import BaseSegDataset

from mmseg_custom.engine.files import hash_text
from mmseg_custom.engine.records import read_record, write_record

FORMAT = 1
# Transforms that make the same of a file every time.
FIXED_STEPS = ('LoadImageFromFile', 'LoadAnnotations', 'MapLabelIds', 'Resize', 'UseWorkingSize')
ARRAYS = ('img', 'gt_seg_map')

Row = dict[str, Any]


def split_steps(pipeline: Compose) -> tuple[list[BaseTransform], list[BaseTransform]]:
    """The transforms whose results can be kept, from the start of a pipeline, and those behind them."""
    fixed = list(takewhile(lambda step: type(step).__name__ in FIXED_STEPS, pipeline.transforms))
    return fixed, pipeline.transforms[len(fixed) :]


def store_folder(root: str, dataset: BaseSegDataset, split: str) -> Path:
    """Where the samples of a split are kept: another folder for every reading, size and table of ids."""
    fixed, _ = split_steps(dataset.pipeline)
    reading = [FORMAT, *fixed, dataset.label_map, dataset.reduce_zero_label]
    return Path(root, f'{split}_{hash_text("; ".join(map(repr, reading)))[:12]}')


def shard_file(folder: Path, number: int) -> Path:
    """A shard of a store: its arrays, one behind another. What they are is in the ``.json`` beside it."""
    return folder / f'shard_{number:05d}.bin'


def file_stamps(sample: dict) -> list[list[int]] | None:
    """The size and the time of the last change (ns) of the files of a sample; ``None`` if one is gone."""
    try:
        stats = [os.stat(sample[key]) for key in ('img_path', 'seg_map_path') if sample.get(key)]  # noqa: PTH116
    except OSError:
        return None
    return [[stat.st_size, stat.st_mtime_ns] for stat in stats]


def checksum(arrays: dict[str, np.ndarray]) -> int:
    """CRC-32 over the bytes of arrays in C order."""
    value = 0
    for array in arrays.values():
        value = zlib.crc32(array, value)
    return value


def write_shard_index(rows: list[Row], file: Path) -> None:
    """Write what a shard holds; from then on it counts."""
    write_record({'samples': rows}, file.with_suffix('.json'))


def read_shard_index(file: Path) -> list[Row] | None:
    """What a shard holds, a row a sample; ``None`` if its index is missing or damaged."""
    try:
        return read_record(file.with_suffix('.json'))['samples']
    except (OSError, ValueError, KeyError, TypeError):
        return None


class PackedStore:
    """The packed samples of a split, memory-mapped.

    A sample is given only while its files are the ones that were packed (same size and time of change) and its bytes
    have the checksum of then; it is compared once a process. Otherwise the files are to be read.

    Args:
        folder: With its shards; may be missing.
        samples: Those of the data set, by the name of their image.
        pipeline: Of the data set; what it does to a packed sample is ``later_steps``.
    """

    def __init__(self, folder: Path, samples: dict[str, dict], pipeline: Compose) -> None:
        self.folder = folder
        self.later_steps = Compose(split_steps(pipeline)[1])
        self._maps: dict[str, np.ndarray] = {}
        self._proven: set[str] = set()
        kept = {row['name']: row for file in sorted(folder.glob('*.bin')) for row in read_shard_index(file) or ()}
        self._rows = {
            sample['img_path']: kept[name]
            for name, sample in samples.items()
            if name in kept and file_stamps(sample) == kept[name]['files']
        }
        if kept and len(self) < len(samples):
            print_log(
                f'{folder} has {len(self)} of {len(samples)} samples as their files are now; the others are read '
                'from their files, which takes longer: `python tools/prepare_data.py CONFIG --pack`.',
                'current',
                WARNING,
            )

    def __len__(self) -> int:
        return len(self._rows)

    def __getstate__(self) -> dict:
        return {**self.__dict__, '_maps': {}}

    def read(self, sample: dict) -> dict | None:
        """A sample as the fixed transforms leave it, its arrays its own; ``None`` if its files are to be read."""
        row = self._rows.get(sample['img_path'])
        if row is None or file_stamps(sample) != row['files']:
            return None
        try:
            arrays = self._arrays(row)
        except (OSError, ValueError):
            return self._drop(sample)
        if row['name'] not in self._proven:
            if checksum(arrays) != row['checksum']:
                return self._drop(sample)
            self._proven.add(row['name'])
        meta = {key: tuple(value) if isinstance(value, list) else value for key, value in row['meta'].items()}
        return {**sample, **meta, 'seg_fields': list(row['seg_fields']), **arrays}

    def _arrays(self, row: Row) -> dict[str, np.ndarray]:
        shard, start, arrays = self._shard(row['shard']), row['offset'], {}
        for key, (dtype, shape) in row['arrays'].items():
            end = start + math.prod(shape) * np.dtype(dtype).itemsize
            arrays[key] = shard[start:end].copy().view(dtype).reshape(shape)
            start = end
        return arrays

    def _shard(self, name: str) -> np.ndarray:
        if name not in self._maps:
            self._maps[name] = np.memmap(self.folder / name, np.uint8, 'r')
        return self._maps[name]

    def _drop(self, sample: dict) -> None:
        row = self._rows.pop(sample['img_path'])
        print_log(
            f'{self.folder / row["shard"]} is damaged at {row["name"]}: its files are read instead. Pack anew: '
            '`python tools/prepare_data.py CONFIG --pack`.',
            'current',
            WARNING,
        )
