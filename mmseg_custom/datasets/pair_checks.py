"""The faults of one image and its label."""

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL import Image

from mmseg_custom.datasets.label_reader import LabelReader

ORIENTATION = 0x0112  # EXIF tag; 1 is upright.
LABEL_MODES = ('L', 'P')


@dataclass(frozen=True, order=True)
class Fault:
    """One fault of one file.

    Attributes:
        kind: What is wrong, in a word or two.
        path: The file.
        detail: What exactly is wrong with it.
        skip: ``SPLIT/NAME`` of the image to leave out to be rid of the fault; ``None`` if there is none.
    """

    kind: str
    path: str
    detail: str
    skip: str | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f'{self.kind}: {self.path}: {self.detail}'


@dataclass(frozen=True)
class PairCheck:
    """What reading one image and its label gave.

    Attributes:
        name: ``SPLIT/NAME`` of the image.
        path: The image file.
        size: Width and height as stored; ``None`` if it cannot be read.
        digest: Checksum of the decoded image; ``None`` if it cannot be read.
        faults: Of the image and of its label.
    """

    name: str
    path: str
    size: tuple[int, int] | None
    digest: bytes | None
    faults: list[Fault]


def check_pair(pair: tuple[str, dict], reader: LabelReader) -> PairCheck:
    """Read an image and its label, each decoded once.

    Args:
        pair: ``SPLIT/NAME`` of the image, and its sample (``img_path``, ``seg_map_path``).
        reader: Reads the label as the config does.
    """
    name, sample = pair
    path = sample['img_path']
    size, digest, image_faults = check_image(path)
    faults = [*image_faults, *check_label(sample, size, reader)]
    return PairCheck(name, path, size, digest, [replace(fault, skip=name) for fault in faults])


def check_image(path: str) -> tuple[tuple[int, int] | None, bytes | None, list[Fault]]:
    """The size (width, height), the checksum of the pixels, and the faults of an image file."""
    try:
        mode, _ = read_header(path)
        with Image.open(path) as image:
            pixels = image.tobytes()
            turned = image.getexif().get(ORIENTATION, 1)
    except Exception as error:  # Whatever a decoder raises is the fault that is looked for.
        return None, None, [_unreadable(path, error)]
    faults = []
    if mode != 'RGB':
        faults.append(Fault('wrong mode', path, f'{mode}, expected 8-bit RGB'))
    if turned != 1:
        faults.append(Fault('EXIF rotation', path, f'orientation {turned} turns the image, but not its label'))
    digest = hashlib.sha256(f'{mode} {image.size}'.encode())
    digest.update(pixels)
    return image.size, digest.digest(), faults


def check_label(sample: dict, image_size: tuple[int, int] | None, reader: LabelReader) -> list[Fault]:
    """The faults of a sample's label file, read by the transforms of the config."""
    path = sample['seg_map_path']
    if not Path(path).is_file():
        return [Fault('missing label', sample['img_path'], f'no {path}')]
    try:
        mode, size = read_header(path)
        loaded = reader.load(sample) if mode in LABEL_MODES else None
    except Exception as error:  # As above.
        return [_unreadable(path, error)]
    faults = []
    if image_size not in (None, size):
        faults.append(Fault('different sizes', path, f'{size_text(size)}, but its image {size_text(image_size)}'))
    if loaded is None:
        return [*faults, Fault('wrong mode', path, f'{mode}, expected one channel of 8 bits')]
    return [*faults, *check_ids(loaded, reader)]


def check_ids(loaded: dict, reader: LabelReader) -> list[Fault]:
    """The faults of a loaded label's ids."""
    path, ignored = loaded['seg_map_path'], reader.mapper.ignore_index
    try:
        train_ids = reader.map_ids(loaded)
    except ValueError as error:
        return [Fault('unknown label ids', path, str(error).removeprefix(f'{path}: '))]
    return [] if (train_ids != ignored).any() else [Fault('wholly ignored', path, 'no pixel has a class')]


def read_header(path: str) -> tuple[str, tuple[int, int]]:
    """The mode and the size (width, height) of an image file whose checksums hold; nothing is decoded.

    The mode is Pillow's, with ``;16`` where the file has 16 bits a channel but Pillow gives 8.
    """
    with Image.open(path) as image:
        deep = ';16' in str(image.tile) and ';16' not in image.mode
        mode, size = f'{image.mode};16' if deep else image.mode, image.size
        image.verify()
    return mode, size


def _unreadable(path: str, error: Exception) -> Fault:
    if Path(path).is_file() and Path(path).stat().st_size == 0:
        return Fault('empty file', path, '0 bytes')
    return Fault('unreadable', path, f'{type(error).__name__}: {error}')


def size_text(size: tuple[int, int]) -> str:
    """``WIDTH x HEIGHT``."""
    return f'{size[0]} x {size[1]}'
