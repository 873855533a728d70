"""The shards of a packed store: memory-mapped on a local disk, fetched through ``mmengine.fileio`` elsewhere."""

import json
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from logging import WARNING
from pathlib import Path
from typing import Any

import numpy as np
from mmengine import fileio
from mmengine.logging import print_log

from mmseg_custom.io.records import check_record, read_record, write_record

MANIFEST = 'shards.json'
INDEXES_AT_ONCE = 8
DAMAGE = (OSError, ValueError, KeyError, TypeError)

Row = dict[str, Any]


def is_elsewhere(path: str | Path) -> bool:
    """Whether a path is one of a backend of ``mmengine.fileio``, such as ``s3://bucket/folder``."""
    return '://' in str(path)


def shard_file(folder: Path, number: int) -> Path:
    """A shard of a store: its arrays, one behind another. What they are is in the ``.json`` beside it."""
    return folder / f'shard_{number:05d}.bin'


def write_shard_index(rows: list[Row], file: Path) -> None:
    """Write what a shard holds; from then on it counts."""
    write_record({'samples': rows}, file.with_suffix('.json'))


def read_shard_index(file: Path) -> list[Row] | None:
    """What a shard holds, a row a sample; ``None`` if its index is missing or damaged."""
    try:
        return read_record(file.with_suffix('.json'))['samples']
    except DAMAGE:
        return None


def write_manifest(folder: Path, names: list[str]) -> None:
    """Write which shards a store has: not every backend can list a folder."""
    write_record({'shards': names}, folder / MANIFEST)


@dataclass
class OpenShard:
    """The bytes of a shard.

    Attributes:
        content: Of shape (number of bytes,), uint8.
        proven: Names of the samples whose checksum was compared.
    """

    content: np.ndarray
    proven: set[str] = field(default_factory=set)


class ShardFiles(ABC):
    """The shards of a store, the most recently used of them open; each process opens its own.

    Args:
        folder: Where they are.
        keep: How many stay open at most. Defaults to ``None``: all.
    """

    def __init__(self, folder: str, keep: int | None = None) -> None:
        self.folder, self.keep = folder, keep
        self._opened: OrderedDict[str, OpenShard] = OrderedDict()

    def __getstate__(self) -> dict:
        return {**self.__dict__, '_opened': OrderedDict()}

    def open(self, name: str) -> OpenShard:
        """A shard by the name of its file.

        Raises:
            OSError: If it cannot be read.
            ValueError: If it is empty.
        """
        if name not in self._opened:
            while self.keep and len(self._opened) >= self.keep:
                self._opened.popitem(last=False)
            self._opened[name] = OpenShard(self._load(name))
        self._opened.move_to_end(name)
        return self._opened[name]

    @abstractmethod
    def rows(self) -> Iterator[Row]:
        """What the shards hold, a row a sample; those whose index is damaged count as missing."""

    @abstractmethod
    def _load(self, name: str) -> np.ndarray: ...


class MappedShards(ShardFiles):
    """Shards on a local disk, memory-mapped. Arguments as :class:`ShardFiles`."""

    def rows(self) -> Iterator[Row]:  # noqa: D102
        for file in sorted(Path(self.folder).glob('*.bin')):
            yield from read_shard_index(file) or ()

    def _load(self, name: str) -> np.ndarray:
        return np.memmap(Path(self.folder, name), np.uint8, 'r')


class FetchedShards(ShardFiles):
    """Shards elsewhere, each fetched whole; as many as ``keep`` are in the memory of a process.

    Args:
        folder: With a prefix that ``mmengine.fileio`` knows.
        keep: As :class:`ShardFiles`.
        backend_args: As ``mmengine.fileio.get``.
    """

    def __init__(self, folder: str, keep: int, backend_args: dict | None = None) -> None:
        super().__init__(folder, keep)
        self.backend_args = backend_args

    def rows(self) -> Iterator[Row]:  # noqa: D102
        with ThreadPoolExecutor(INDEXES_AT_ONCE) as threads:
            indexes = [Path(name).with_suffix('.json').name for name in self._entry(MANIFEST, 'shards')]
            for rows in threads.map(lambda name: self._entry(name, 'samples'), indexes):
                yield from rows

    def _entry(self, name: str, key: str) -> list:
        try:
            return check_record(json.loads(self._fetch(name)), f'{self.folder}/{name}')[key]
        except DAMAGE as error:
            message = f'{self.folder}/{name} cannot be used ({error}): the samples it stands for are read from files.'
            print_log(message, 'current', WARNING)
            return []

    def _load(self, name: str) -> np.ndarray:
        return np.frombuffer(self._fetch(name), np.uint8)

    def _fetch(self, name: str) -> bytes:
        try:
            return fileio.get(f'{self.folder}/{name}', backend_args=self.backend_args)
        except Exception as error:  # Every backend has exceptions of its own.
            raise OSError(f'{type(error).__name__}: {error}') from error


def find_shards(folder: str, keep: int, backend_args: dict | None = None) -> ShardFiles | None:
    """The shards of a store; ``None`` if there is no such local folder. Arguments as :class:`FetchedShards`."""
    if is_elsewhere(folder):
        return FetchedShards(folder, keep, backend_args)
    return MappedShards(folder) if Path(folder).is_dir() else None
