"""Files of equal bytes among many, most of them never opened."""

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path

from mmseg_custom.datasets.sample_files import is_elsewhere

BLOCK = 1 << 12
THREADS = 8  # A file server answers several at once.


def same_content(paths: Iterable[str], some: Collection[str] | None = None) -> list[list[str]]:
    """The files of equal bytes, those of each content together; files that are missing or elsewhere are left out.

    Args:
        paths: Files; each counts once.
        some: Of these files; only contents that one of them and one of the others have are looked for. By default
            any two files may have one.
    """
    files = sorted({path for path in paths if not is_elsewhere(path)})
    together = [files]
    with ThreadPoolExecutor(THREADS) as pool:
        for key in (_size, _ends, _content):
            split = [more for one in together for more in _split(one, key, pool)]
            together = [one for one in split if some is None or 0 < sum(file in some for file in one) < len(one)]
    return together


def _split(files: Sequence[str], key: Callable[[str], Hashable], pool: ThreadPoolExecutor) -> list[list[str]]:
    found: dict[Hashable, list[str]] = defaultdict(list)
    for file, value in zip(files, pool.map(key, files), strict=True):
        found[value].append(file)
    found.pop(None, None)
    return [files for files in found.values() if len(files) > 1]


def _size(path: str) -> int | None:
    try:
        return Path(path).stat().st_size or None  # Empty files are no images, and no copies of each other.
    except OSError:
        return None


def _ends(path: str) -> bytes | None:
    """The first, middle and last bytes: of pictures that are stored plainly all have one size."""
    try:
        with Path(path).open('rb') as file:
            size = file.seek(0, os.SEEK_END)
            digest = blake2b(digest_size=16)
            for start in (0, size // 2, max(0, size - BLOCK)):
                file.seek(start)
                digest.update(file.read(BLOCK))
            return digest.digest()
    except OSError:
        return None


def _content(path: str) -> bytes | None:
    digest = blake2b(digest_size=16)
    try:
        with Path(path).open('rb') as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError:
        return None
    return digest.digest()
