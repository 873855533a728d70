"""Which images a data set has, by what their files hold, and whether two collections share some.

An image is known by a checksum of its file, so a copy in another folder, a link or another list of the same files is
the same image. Collections have a bounded size: they travel in every checkpoint.
"""

import os
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

BYTES = 6  # Of 100,000 images against 10,000 others, 1 in 300,000 collections meets by chance.
BITS = 8 * BYTES
MAX_IMAGES = 2**17  # 1 MB as text; the header of a checkpoint may have 8.
# With the size of the file enough to tell images apart, whose compressed pixels differ; whole files would have a
# large data set read once more before training.
HEAD = TAIL = 2**14
THREADS = 8  # A file server answers several at once.


@dataclass(frozen=True)
class Images:
    """A collection of images.

    Attributes:
        checksums: Of the images, integers of :data:`BITS` bits; of a large collection only those below ``2**bits``,
            which are a random sample of it.
        bits: :data:`BITS` for the whole collection.
    """

    checksums: frozenset[int]
    bits: int = BITS

    @classmethod
    def of(cls, checksums: Iterable[int], bits: int = BITS) -> 'Images':
        """The collection of some images, a sample of them where they are more than :data:`MAX_IMAGES`."""
        kept = frozenset(value for value in checksums if value < 2**bits)
        while len(kept) > MAX_IMAGES:
            bits -= 1
            kept = frozenset(value for value in kept if value < 2**bits)
        return cls(kept, bits)

    def __or__(self, other: 'Images') -> 'Images':
        """The images of both."""
        return self.of(self.checksums | other.checksums, min(self.bits, other.bits))

    def shares_some_with(self, other: 'Images') -> bool:
        """Whether an image is in both."""
        return not self.checksums.isdisjoint(other.checksums)

    def checksum(self) -> str:
        """A checksum of the collection."""
        return blake2b(self._packed(), digest_size=16).hexdigest()

    def as_text(self) -> dict[str, Any]:
        """The collection as plain data."""
        return {'bits': self.bits, 'checksums': b64encode(self._packed()).decode()}

    @classmethod
    def from_text(cls, data: Any) -> 'Images | None':
        """Read what :meth:`as_text` gives; ``None`` for anything else: a checkpoint may be anybody's."""
        try:
            packed = b64decode(data['checksums'], validate=True)
            bits = int(data['bits'])
        except (TypeError, KeyError, ValueError):
            return None
        if len(packed) % BYTES or not 0 <= bits <= BITS:
            return None
        starts = range(0, len(packed), BYTES)
        return cls.of((int.from_bytes(packed[at : at + BYTES], 'big') for at in starts), bits)

    def _packed(self) -> bytes:
        return b''.join(value.to_bytes(BYTES, 'big') for value in sorted(self.checksums))


def images_of(dataset: Any) -> Images | None:
    """The images of a data set, through wrappers; ``None`` if some part of it does not name its files."""
    paths: set[str] = set()
    for leaf in leaves(dataset):
        found = image_paths(leaf)
        if found is None:
            return None
        paths.update(found)
    with ThreadPoolExecutor(THREADS) as pool:
        return Images.of(pool.map(image_checksum, sorted(paths)))


def leaves(dataset: Any) -> Iterator[Any]:
    """The data sets below any depth of wrappers: what they call ``dataset`` (repeated, mixed) or ``datasets``."""
    inner = [*(getattr(dataset, 'datasets', None) or ()), getattr(dataset, 'dataset', None)]
    wrapped = [one for one in inner if hasattr(one, '__getitem__') and not isinstance(one, str | dict)]
    for one in wrapped:
        yield from leaves(one)
    if not wrapped:
        yield dataset


def image_paths(leaf: Any) -> list[str] | None:
    """The image files of a data set of MMEngine's kind, of all its entries ``img_path...``; ``None`` for others."""
    if not callable(getattr(leaf, 'get_data_info', None)):
        return None
    samples = [leaf.get_data_info(index) for index in range(len(leaf))]
    paths = [[value for key, value in sample.items() if key.startswith('img_path')] for sample in samples]
    if not all(paths):
        return None
    return [str(path) for found in paths for path in found]


def image_checksum(path: str) -> int:
    """The checksum of an image by size, head and tail of its file; by its path where that is no local file."""
    digest = blake2b(digest_size=BYTES)
    try:
        with Path(path).open('rb') as file:
            size = os.fstat(file.fileno()).st_size
            digest.update(f'{size} '.encode())
            digest.update(file.read(HEAD + TAIL if size <= HEAD + TAIL else HEAD))
            if size > HEAD + TAIL:
                file.seek(-TAIL, os.SEEK_END)
                digest.update(file.read(TAIL))
    except OSError:
        digest.update((path if '://' in path else os.path.realpath(path)).encode())
    return int.from_bytes(digest.digest(), 'big')
