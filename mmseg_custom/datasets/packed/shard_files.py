"""The shards of a packed store: files of arrays, memory-mapped, each with an index beside it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mmseg_custom.io.records import read_record, write_record

# What a damaged or foreign index can raise: no JSON, another checksum, other keys, other types.
DAMAGE = (OSError, ValueError, KeyError, TypeError)

Row = dict[str, Any]


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


@dataclass
class OpenShard:
    """The bytes of a shard.

    Attributes:
        content: Of shape (number of bytes,), uint8.
        proven: Names of the samples whose checksum was compared.
    """

    content: np.ndarray
    proven: set[str] = field(default_factory=set)


class ShardFiles:
    """The shards of a store, memory-mapped; each process opens its own.

    Args:
        folder: Where they are.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._opened: dict[str, OpenShard] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, '_opened': {}}

    def open(self, name: str) -> OpenShard:
        """A shard by the name of its file.

        Raises:
            OSError: If it cannot be read.
            ValueError: If it is empty.
        """
        if name not in self._opened:
            self._opened[name] = OpenShard(np.memmap(Path(self.folder, name), np.uint8, 'r'))
        return self._opened[name]

    def rows(self) -> Iterator[Row]:
        """What the shards hold, a row a sample; those whose index is damaged count as missing."""
        for file in sorted(Path(self.folder).glob('*.bin')):
            yield from read_shard_index(file) or ()
