"""The faults of one image and its label."""

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image

from mmseg_custom.datasets.checks.image_header import ORIENTATION, Header, read_header
from mmseg_custom.datasets.checks.image_modes import refusal
from mmseg_custom.datasets.checks.label_survey import count_ids
from mmseg_custom.datasets.label_reader import LabelReader

LABEL_MODES = ('L', 'P', 'P;A')


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
        counts: Of its label, as :func:`~mmseg_custom.datasets.checks.label_survey.count_ids`; ``None`` if it
            cannot be read.
    """

    name: str
    path: str
    size: tuple[int, int] | None
    digest: bytes | None
    faults: list[Fault]
    counts: np.ndarray | None = field(default=None, compare=False)


def check_pair(pair: tuple[str, dict], reader: LabelReader, convert: str = 'lossless') -> PairCheck:
    """Read an image and its label, each decoded once.

    Args:
        pair: ``SPLIT/NAME`` of the image, and its sample (``img_path``, ``seg_map_path``).
        reader: Reads the label as the config does.
        convert: Which images are taken, as :func:`image_faults`.
    """
    name, sample = pair
    path = sample['img_path']
    size, digest, image_faults = check_image(path, convert)
    label_faults, counts = check_label(sample, size, reader)
    faults = [replace(fault, skip=name) for fault in (*image_faults, *label_faults)]
    return PairCheck(name, path, size, digest, faults, counts)


def check_image(path: str, convert: str = 'lossless') -> tuple[tuple[int, int] | None, bytes | None, list[Fault]]:
    """The size (width, height), the checksum of the pixels, and the faults of an image file.

    Args:
        path: The file.
        convert: Which images are taken, as :func:`image_faults`.
    """
    try:
        header = read_header(path)
        with Image.open(path) as image:
            pixels = image.tobytes()
            turned = image.getexif().get(ORIENTATION, 1)
    except Exception as error:  # Whatever a decoder raises is the fault that is looked for.
        return None, None, [_unreadable(path, error)]
    digest = hashlib.sha256(f'{header.mode} {header.size}'.encode())
    digest.update(pixels)
    return header.size, digest.digest(), image_faults(path, header._replace(orientation=turned), convert)


def check_label(
    sample: dict, image_size: tuple[int, int] | None, reader: LabelReader
) -> tuple[list[Fault], np.ndarray | None]:
    """The faults of a sample's label file, read by the transforms of the config, and its pixels by class."""
    path = sample['seg_map_path']
    if not Path(path).is_file():
        return [Fault('missing label', sample['img_path'], f'no {path}')], None
    try:
        header = read_header(path)
        loaded = reader.load(sample) if header.mode in LABEL_MODES else None
    except Exception as error:  # As above.
        return [_unreadable(path, error)], None
    faults = label_faults(path, header, image_size)
    if loaded is None:
        return faults, None
    faulty_ids, counts = check_ids(loaded, reader)
    return [*faults, *faulty_ids], counts


def check_headers(sample: dict, convert: str = 'lossless') -> list[Fault]:
    """The faults of a sample that show before anything is decoded: 0.5 ms, so that training can look every time.

    Args:
        sample: ``img_path`` and, if it has a label, ``seg_map_path``.
        convert: Which images are taken, as :func:`image_faults`.

    Raises:
        OSError: If a file is gone or no image.
    """
    path, label = sample['img_path'], sample.get('seg_map_path')
    header = read_header(path, whole=False)
    faults = image_faults(path, header, convert)
    if label:
        faults += label_faults(label, read_header(label, whole=False), header.size)
    return faults


def image_faults(path: str, header: Header, convert: str = 'lossless') -> list[Fault]:
    """The faults of an image that its header shows.

    Args:
        path: The file.
        header: What it says of itself.
        convert: Which images are taken, one of :data:`~mmseg_custom.datasets.checks.image_modes.CONVERSIONS`.
    """
    faults = []
    reason = refusal(header.mode, convert)
    if reason:
        faults.append(Fault('wrong mode', path, reason))
    if header.orientation != 1:
        detail = f'orientation {header.orientation} turns the image, but not its label'
        faults.append(Fault('EXIF rotation', path, detail))
    if header.cut:
        faults.append(Fault('unreadable', path, 'a JPEG file without an end: it is truncated'))
    return faults


def label_faults(path: str, header: Header, image_size: tuple[int, int] | None) -> list[Fault]:
    """The faults of a label that its header shows."""
    faults = []
    if image_size not in (None, header.size):
        detail = f'{size_text(header.size)}, but its image {size_text(image_size)}'
        faults.append(Fault('different sizes', path, detail))
    if header.mode not in LABEL_MODES:
        faults.append(Fault('wrong mode', path, f'{header.mode}, expected one channel of 8 bits'))
    return faults


def check_ids(loaded: dict, reader: LabelReader) -> tuple[list[Fault], np.ndarray | None]:
    """The faults of a loaded label's ids, and its pixels by class."""
    path = loaded['seg_map_path']
    try:
        counts = count_ids(loaded, reader)
    except ValueError as error:
        return [Fault('unknown label ids', path, str(error).removeprefix(f'{path}: '))], None
    has_class = counts[: reader.mapper.num_classes].any()
    return [] if has_class else [Fault('wholly ignored', path, 'no pixel has a class')], counts


def _unreadable(path: str, error: Exception) -> Fault:
    if Path(path).is_file() and Path(path).stat().st_size == 0:
        return Fault('empty file', path, '0 bytes')
    return Fault('unreadable', path, f'{type(error).__name__}: {error}')


def size_text(size: tuple[int, int]) -> str:
    """``WIDTH x HEIGHT``."""
    return f'{size[0]} x {size[1]}'
