"""What an image file says of itself, read without decoding it."""

from os import SEEK_END
from pathlib import Path
from typing import NamedTuple

from PIL import Image

ORIENTATION = 0x0112  # EXIF tag; 1 is upright.
JPEG_END = b'\xff\xd9'
JPEG_TAIL = 4096  # Bytes at the end of a file among which its end marker must be; cameras append to it.


class Header(NamedTuple):
    """What an image file says of itself.

    Attributes:
        mode: Pillow's, with ``;16`` where the file has 16 bits a channel but Pillow gives 8, and ``;A`` where a
            palette has transparent colours.
        size: Width and height.
        orientation: The EXIF tag; 1 is upright.
        cut: Whether the end of the file is missing, as far as that shows without decoding it.
    """

    mode: str
    size: tuple[int, int]
    orientation: int = 1
    cut: bool = False


def read_header(path: str, whole: bool = True) -> Header:
    """What an image file says of itself; nothing is decoded.

    Args:
        path: The file.
        whole: Read the file to its end and compare its checksums. Defaults to ``True``.

    Raises:
        OSError: If it is gone or no image.
        SyntaxError: If a checksum differs.
    """
    with Image.open(path) as image:
        deep = ';16' in str(image.tile) and ';16' not in image.mode
        clear = image.mode == 'P' and 'transparency' in image.info
        mode, size = image.mode + (';16' if deep else ';A' if clear else ''), image.size
        # Pillow decodes a PNG to look for EXIF data behind the pixels.
        turned = image.getexif().get(ORIENTATION, 1) if 'exif' in image.info else 1
        cut = image.format == 'JPEG' and not _ends(path)
        if whole:
            image.verify()
    return Header(mode, size, turned, cut)


def _ends(path: str) -> bool:
    """Whether a JPEG file has its end marker; some decoders fill up what is missing with gray and say nothing."""
    with Path(path).open('rb') as file:
        file.seek(max(0, file.seek(0, SEEK_END) - JPEG_TAIL))
        return JPEG_END in file.read()
