"""Packing a data set once, so that training reads ready arrays instead of decoding and resizing files."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmengine.dataset import Compose
from mmseg.registry import DATASETS

from mmseg_custom.datasets.checks.bad_samples import BadSampleError, SampleError, explain_bad_sample, load_sample
from mmseg_custom.datasets.folds.kfold_dataset import PARTS, WHOLE, KFoldDataset
from mmseg_custom.datasets.packed.packed_store import ARRAYS, checksum, file_stamps, split_steps, store_folder
from mmseg_custom.datasets.packed.shard_files import Row, read_shard_index, shard_file, write_shard_index
from mmseg_custom.datasets.parallel import Progress, map_in_processes
from mmseg_custom.errors import UserError
from mmseg_custom.io.files import atomic_path, free_bytes, readable_size, remove_leftovers

# 128 samples of 512 x 1024: few files, and little to write anew when one image has changed.
SHARD_BYTES = 256 << 20
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')

NamedSample = tuple[str, dict]
Loader = Callable[[dict], dict | None]


class PackError(UserError, ValueError):
    """A data set that cannot be packed; the message says why."""


@dataclass(frozen=True)
class PackedSplit:
    """What :func:`pack` did for one split and size.

    Attributes:
        folder: Where its shards are.
        num_samples: Packed samples.
        num_bytes: Of the shards.
        num_written: Shards written now; the others were up to date.
    """

    folder: Path
    num_samples: int
    num_bytes: int
    num_written: int


@dataclass(frozen=True)
class Shard:
    """Consecutive samples of a split, to be kept in one file."""

    file: Path
    samples: list[NamedSample]

    def is_fresh(self) -> bool:
        """Whether it is there, of these very files."""
        rows = read_shard_index(self.file) if self.file.is_file() else None
        wanted = [(name, file_stamps(sample)) for name, sample in self.samples]
        return rows is not None and [(row['name'], row['files']) for row in rows] == wanted


def pack(cfg: Config, workers: int = 1, on_progress: Progress | None = None) -> list[PackedSplit]:
    """Write the samples of all loaders of a config as their fixed transforms leave them; nothing is lost.

    Shards that are up to date stay, so an interrupted packing goes on where it was.

    Args:
        cfg: A config whose data sets are :class:`KFoldDataset` with ``packed``.
        workers: Number of processes. Defaults to 1.
        on_progress: Called with the number of shards done and their total, for every split.

    Raises:
        PackError: If a data set says no folder, its transforms leave nothing to keep, or there is no disk space.
        SampleError: If a sample cannot be used, with ``on_bad_sample='stop'``.
    """
    stores: dict[Path, KFoldDataset] = {}
    for loader, part in product(LOADERS, PARTS):
        dataset = DATASETS.build({**cfg[loader].dataset, 'part': WHOLE[part], 'fold': None, 'serialize_data': False})
        stores.setdefault(_folder_of(dataset, loader), dataset)
    return [_pack_split(folder, dataset, workers, on_progress) for folder, dataset in stores.items()]


def _folder_of(dataset: KFoldDataset, loader: str) -> Path:
    if not dataset.packed:
        raise PackError(f"The data set of {loader} does not say where: give it packed='data/packed/NAME'.")
    if not split_steps(dataset.pipeline)[0]:
        raise PackError(f'The pipeline of {loader} does not begin with a loading transform: nothing can be packed.')
    return Path(store_folder(dataset.packed, dataset, dataset.split))


def _pack_split(folder: Path, dataset: KFoldDataset, workers: int, on_progress: Progress | None) -> PackedSplit:
    samples = sorted((dataset.name_of(sample), sample) for sample in dataset.load_data_list())
    load = partial(
        _load,
        steps=Compose(split_steps(dataset.pipeline)[0]),
        ignore_index=dataset.ignore_index,
        skip=dataset.on_bad_sample == 'skip',
        convert=dataset.convert_images,
    )
    remove_leftovers(folder)
    size = _bytes_of_first(samples, load)
    shards = list(_cut(folder, samples, max(1, SHARD_BYTES // size)))
    stale = [shard for shard in shards if not shard.is_fresh()]
    _check_room(folder, size * sum(len(shard.samples) for shard in stale))
    for _ in map_in_processes(partial(write_shard, load=load), stale, workers, on_progress, at_a_time=1):
        pass
    _remove_beyond(folder, len(shards))
    kept = [row for shard in shards for row in read_shard_index(shard.file) or ()]
    return PackedSplit(folder, len(kept), sum(shard.file.stat().st_size for shard in shards), len(stale))


def _load(sample: dict, steps: Compose, ignore_index: int, skip: bool, convert: str) -> dict | None:
    try:
        return load_sample(sample, steps, ignore_index, convert=convert)
    except BadSampleError as error:
        if skip:
            return None
        raise SampleError(explain_bad_sample(sample['img_path'], error)) from error.__cause__


def _cut(folder: Path, samples: list[NamedSample], length: int) -> Iterator[Shard]:
    for number, start in enumerate(range(0, len(samples), length)):
        yield Shard(shard_file(folder, number), samples[start : start + length])


def write_shard(shard: Shard, load: Loader) -> None:
    """Write the arrays of a shard, then the index that makes them count.

    Args:
        shard: What to keep where.
        load: Gives a sample as its fixed transforms leave it, or ``None`` to leave it out.
    """
    rows: list[Row] = []
    shard.file.with_suffix('.json').unlink(missing_ok=True)
    with atomic_path(shard.file) as temporary, temporary.open('wb') as file:
        for name, sample in shard.samples:
            stamps = file_stamps(sample)
            results = load(sample)
            if results is not None:
                arrays = {key: np.ascontiguousarray(results[key]) for key in ARRAYS if key in results}
                rows.append(_row(name, stamps, {**results, **arrays}, sample, shard.file.name, file.tell()))
                for array in arrays.values():
                    file.write(array.data)
    write_shard_index(rows, shard.file)


def _row(name: str, stamps: list, results: dict, sample: dict, shard: str, offset: int) -> Row:
    arrays = {key: results[key] for key in ARRAYS if key in results}
    kept = results.keys() - sample.keys() - set(ARRAYS) - {'seg_fields'}
    return {
        'name': name,
        'files': stamps,
        'shard': shard,
        'offset': offset,
        'arrays': {key: [array.dtype.str, list(array.shape)] for key, array in arrays.items()},
        'checksum': checksum(arrays),
        'seg_fields': results['seg_fields'],
        'meta': {key: results[key] for key in sorted(kept)},
    }


def _bytes_of_first(samples: list[NamedSample], load: Loader) -> int:
    """The size of the first sample that can be used; as a rule all have the same."""
    usable = filter(None, (load(sample) for _, sample in samples))
    first = next(usable, {})
    return max(1, sum(first[key].nbytes for key in ARRAYS if key in first))


def _check_room(folder: Path, needed: int) -> None:
    free = free_bytes(folder)
    if free < needed:
        raise PackError(
            f'{folder} has {readable_size(free)} free, the store needs {readable_size(needed)}: free some space, or '
            'set `packed` in the data set of the config to a folder elsewhere.'
        )


def _remove_beyond(folder: Path, count: int) -> None:
    for file in sorted(folder.glob('shard_*.bin'))[count:]:
        file.with_suffix('.json').unlink(missing_ok=True)
        file.unlink()
