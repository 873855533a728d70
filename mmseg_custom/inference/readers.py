"""Reading images and videos, one after the other, faults told and passed over."""

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from mmseg_custom.inference.errors import InputError
from mmseg_custom.inference.sources import Source

# What a video without a frame rate is written with; nothing is computed from it.
DEFAULT_FPS = 25.0
# Containers round the number of frames that they declare; a cut file lacks far more than a tenth.
COMPLETE = 0.9

OnFault = Callable[[InputError], None]


class Frame(NamedTuple):
    """An image file, or a frame of a video.

    Attributes:
        source: The file.
        image: The pixels, uint8, H x W x 3, BGR; ``None`` for an image file that is not read yet.
        index: Number of the frame in a video, from 0; ``None`` for an image file.
        fps: Frames a second of a video.
    """

    source: Source
    image: np.ndarray | None = None
    index: int | None = None
    fps: float = DEFAULT_FPS

    def loaded(self) -> 'Frame':
        """The frame with its pixels.

        Raises:
            InputError: If the file cannot be read.
        """
        return self if self.image is not None else self._replace(image=read_image(self.source.path))


def read_image(path: Path) -> np.ndarray:
    """Read an image file as training does with ``convert_images='all'``: pixel by pixel the same.

    Grey images get three channels, an alpha channel is dropped, palettes are resolved, of 16 bits the upper 8 are
    kept, and the image is turned as its EXIF orientation says.

    Returns:
        uint8, H x W x 3, BGR.

    Raises:
        InputError: If there is no such file, or it is no image or a broken one.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f'{path}: {error.strerror or error}.') from error
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
    except cv2.error:
        image = None
    if image is None or image.dtype != np.uint8:
        raise InputError(f'{path}: no image, broken, or of a kind that OpenCV does not read as 8-bit colour.')
    return image


def read_frames(sources: Iterable[Source], on_fault: OnFault) -> Iterator[Frame]:
    """The frames of all sources: image files unread, frames of videos with their pixels.

    Args:
        sources: Images and videos.
        on_fault: Told of every video that cannot be read to its end; the others go on.
    """
    for source in sources:
        if not source.is_video:
            yield Frame(source)
            continue
        try:
            yield from read_video(source)
        except InputError as error:
            on_fault(error)


def read_video(source: Source) -> Iterator[Frame]:
    """The frames of a video, one in memory at a time, turned as its metadata says.

    Raises:
        InputError: If it cannot be read, or ends long before the number of frames that it declares.
    """
    with _opened(source.path) as capture:
        declared, fps = _declared_frames(capture), capture.get(cv2.CAP_PROP_FPS)
        fps = fps if math.isfinite(fps) and fps > 0 else DEFAULT_FPS
        index = 0
        while True:
            there, image = capture.read()
            if not there:
                break
            yield Frame(source, image, index, fps)
            index += 1
    if index == 0 or index < COMPLETE * declared:
        raise InputError(f'{source.path}: ends after {index} of {declared} frames; the file is damaged.')


def count_frames(sources: Iterable[Source]) -> int:
    """How many frames the sources declare, for a progress bar; a broken one counts 0 here."""
    return sum(_count_video(source.path) if source.is_video else 1 for source in sources)


def _count_video(path: Path) -> int:
    try:
        with _opened(path) as capture:
            return _declared_frames(capture)
    except InputError:
        return 0


@contextmanager
def _opened(path: Path) -> Iterator[cv2.VideoCapture]:
    if not path.is_file():
        raise InputError(f'{path}: No such file.')
    capture = cv2.VideoCapture(str(path))
    try:
        if not capture.isOpened():
            raise InputError(f'{path}: no video that OpenCV can read.')
        yield capture
    finally:
        capture.release()


def _declared_frames(capture: cv2.VideoCapture) -> int:
    return max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT)))
