"""The faults of one image and its label."""

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL import Image

from mmseg_custom.datasets.image_header import ORIENTATION, Header, read_header
from mmseg_custom.datasets.label_reader import LabelReader

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
        header = read_header(path)
        with Image.open(path) as image:
            pixels = image.tobytes()
            turned = image.getexif().get(ORIENTATION, 1)
    except Exception as error:  # Whatever a decoder raises is the fault that is looked for.
        return None, None, [_unreadable(path, error)]
    digest = hashlib.sha256(f'{header.mode} {header.size}'.encode())
    digest.update(pixels)
    return header.size, digest.digest(), judge_image(path, header._replace(orientation=turned))


def check_label(sample: dict, image_size: tuple[int, int] | None, reader: LabelReader) -> list[Fault]:
    """The faults of a sample's label file, read by the transforms of the config."""
    path = sample['seg_map_path']
    if not Path(path).is_file():
        return [Fault('missing label', sample['img_path'], f'no {path}')]
    try:
        header = read_header(path)
        loaded = reader.load(sample) if header.mode in LABEL_MODES else None
    except Exception as error:  # As above.
        return [_unreadable(path, error)]
    faults = judge_label(path, header, image_size)
    return faults if loaded is None else [*faults, *check_ids(loaded, reader)]


def check_headers(sample: dict) -> list[Fault]:
    """The faults of a sample that show before anything is decoded: 0.5 ms, so that training can look every time.

    Args:
        sample: ``img_path`` and, if it has a label, ``seg_map_path``.

    Raises:
        OSError: If a file is gone or no image.
    """
    path, label = sample['img_path'], sample.get('seg_map_path')
    header = read_header(path, whole=False)
    faults = judge_image(path, header)
    if label:
        faults += judge_label(label, read_header(label, whole=False), header.size)
    return faults


def judge_image(path: str, header: Header) -> list[Fault]:
    """The faults of an image that its header shows."""
    faults = []
    if header.mode != 'RGB':
        faults.append(Fault('wrong mode', path, f'{header.mode}, expected 8-bit RGB'))
    if header.orientation != 1:
        detail = f'orientation {header.orientation} turns the image, but not its label'
        faults.append(Fault('EXIF rotation', path, detail))
    if header.cut:
        faults.append(Fault('unreadable', path, 'a JPEG file without an end: it is truncated'))
    return faults


def judge_label(path: str, header: Header, image_size: tuple[int, int] | None) -> list[Fault]:
    """The faults of a label that its header shows."""
    faults = []
    if image_size not in (None, header.size):
        detail = f'{size_text(header.size)}, but its image {size_text(image_size)}'
        faults.append(Fault('different sizes', path, detail))
    if header.mode not in LABEL_MODES:
        faults.append(Fault('wrong mode', path, f'{header.mode}, expected one channel of 8 bits'))
    return faults


def check_ids(loaded: dict, reader: LabelReader) -> list[Fault]:
    """The faults of a loaded label's ids."""
    path, ignored = loaded['seg_map_path'], reader.mapper.ignore_index
    try:
        train_ids = reader.map_ids(loaded)
    except ValueError as error:
        return [Fault('unknown label ids', path, str(error).removeprefix(f'{path}: '))]
    return [] if (train_ids != ignored).any() else [Fault('wholly ignored', path, 'no pixel has a class')]


def _unreadable(path: str, error: Exception) -> Fault:
    if Path(path).is_file() and Path(path).stat().st_size == 0:
        return Fault('empty file', path, '0 bytes')
    return Fault('unreadable', path, f'{type(error).__name__}: {error}')


def size_text(size: tuple[int, int]) -> str:
    """``WIDTH x HEIGHT``."""
    return f'{size[0]} x {size[1]}'
