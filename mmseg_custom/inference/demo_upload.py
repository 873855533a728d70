"""Reading an untrusted picture."""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from mmseg_custom.inference.errors import InputError
from mmseg_custom.inference.readers import read_image

FORMATS = ('JPEG', 'PNG', 'WEBP', 'BMP')
# 120 MB decoded; the size of the file says nothing of that.
MAX_PIXELS = 40_000_000


def read_upload(path: str) -> np.ndarray:
    """Read an uploaded picture; its header decides whether it is decoded at all.

    Returns:
        uint8, H x W x 3, BGR.

    Raises:
        InputError: If it is of another format, too large or broken. The message does not repeat the file's name.
    """
    try:
        with warnings.catch_warnings(), Image.open(path, formats=FORMATS) as image:
            warnings.simplefilter('ignore', Image.DecompressionBombWarning)
            pixels = image.width * image.height
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f'This is no picture of a known kind: use {", ".join(FORMATS)}.') from error
    if pixels > MAX_PIXELS:
        raise InputError(f'This picture has {pixels / 1e6:.0f} megapixels, {MAX_PIXELS / 1e6:.0f} are allowed.')
    try:
        return read_image(Path(path))
    except InputError as error:
        raise InputError('This picture is broken.') from error
