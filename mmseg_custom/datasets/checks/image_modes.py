"""Which kinds of image files a data set takes, and what becomes of their pixels.

Every image is decoded by OpenCV as 8-bit colour, in training as in prediction, whatever its file holds. What a data
set chooses is whether it takes a file whose pixels are not all kept by that.
"""

from collections import Counter
from collections.abc import Sequence

from mmseg_custom.datasets.checks.image_header import read_header
from mmseg_custom.datasets.sample_files import is_elsewhere
from mmseg_custom.errors import UserError

CONVERSIONS = ('never', 'lossless', 'all')
PLAIN = 'RGB'
GREY = 'grey in three equal channels'
LOSSLESS = {'L': GREY, '1': GREY, 'P': 'palette resolved'}
LOSSY = {
    'RGBA': 'alpha channel dropped',
    'LA': f'{GREY}, alpha channel dropped',
    'P;A': 'palette resolved, transparency dropped',
    'CMYK': 'converted from CMYK',
}
SIXTEEN_BITS = 'of 16 bits the upper 8 kept'
# A look before the first step may cost a second or two, not a pass over the data; --verify reads all.
LOOKED_AT = 64


class ConversionError(UserError, ValueError):
    """A choice of conversions that does not exist."""


def check_conversion(convert: str) -> None:
    """See that ``convert_images`` is one of :data:`CONVERSIONS`.

    Raises:
        ConversionError: If it is not.
    """
    if convert not in CONVERSIONS:
        raise ConversionError(f'convert_images={convert!r} is unknown: use one of {CONVERSIONS}.')


def conversion_of(mode: str) -> str | None:
    """What decoding does to the pixels of a file: nothing (``''``), or in words; ``None`` if it cannot be decoded.

    Args:
        mode: As :class:`~mmseg_custom.datasets.checks.image_header.Header` has it.
    """
    if mode == PLAIN:
        return ''
    return SIXTEEN_BITS if ';16' in mode else {**LOSSLESS, **LOSSY}.get(mode)


def refusal(mode: str, convert: str) -> str | None:
    """Why a data set does not take a file of a mode; ``None`` if it does.

    Args:
        mode: As :func:`conversion_of`.
        convert: One of :data:`CONVERSIONS`.
    """
    done = conversion_of(mode)
    if done == '' or (done and convert == 'all') or (mode in LOSSLESS and convert == 'lossless'):
        return None
    reason = f'{mode}, expected 8-bit RGB'
    if done is None:
        return reason
    enough = 'lossless' if mode in LOSSLESS else 'all'
    return f'{reason}; convert_images={enough!r} in the data set takes it: {done}'


def describe_images(samples: Sequence[dict], convert: str) -> str | None:
    """A sentence on the images that are converted, among some that are looked at; ``None`` if there are none.

    Args:
        samples: As a data set lists them; files that cannot be read, or not on a local disk, do not count.
        convert: One of :data:`CONVERSIONS`.
    """
    chosen = spread(samples, LOOKED_AT)
    modes = Counter(filter(None, (_mode_of(sample['img_path']) for sample in chosen)))
    found = [f'{count} {mode} ({conversion_of(mode)})' for mode, count in modes.items() if conversion_of(mode)]
    if not found:
        return None
    converted = ', '.join(found)
    return f'{converted} of {len(chosen)} images looked at are read as 8-bit colour (convert_images={convert!r})'


def spread(items: Sequence, at_most: int) -> list:
    """As many items at most, evenly from all of them."""
    step = max(1, len(items) / at_most)
    return [items[int(place * step)] for place in range(min(len(items), at_most))]


def _mode_of(path: str) -> str | None:
    try:
        return None if is_elsewhere(path) else read_header(path, whole=False).mode
    except (OSError, SyntaxError, ValueError):
        return None
