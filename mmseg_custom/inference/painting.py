"""Predictions as pictures: colours, overlay and legend."""

from functools import cache
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mmseg_custom.inference.labels import Labels

# In pixels: the smallest that is still read, and one that leaves room for the picture.
FONT_SIZES = (12, 40)
# A picture 1024 wide has its legend in 16 pixels. By eye.
PIXELS_A_FONT_SIZE = 64
# Narrower pictures are enlarged by a whole factor first, or a legend would cover them. By eye.
LEAST_WIDTH = 384


def paint_classes(classes: np.ndarray, labels: Labels) -> np.ndarray:
    """The colours of classes.

    Args:
        classes: Train ids, uint8, H x W.
        labels: Gives the palette; other ids are black.

    Returns:
        uint8, H x W x 3, BGR.
    """
    table = np.zeros((256, 1, 3), np.uint8)
    table[: len(labels.palette), 0] = np.array(labels.palette, np.uint8)[:, ::-1]
    return cv2.applyColorMap(classes, table)


def overlay_classes(image: np.ndarray, classes: np.ndarray, labels: Labels, opacity: float) -> np.ndarray:
    """An image under the colours of its classes.

    Args:
        image: uint8, H x W x 3, BGR.
        classes: Train ids, uint8, H x W.
        labels: Gives the palette.
        opacity: Of the colours, 0 to 1.
    """
    return cv2.addWeighted(image, 1 - opacity, paint_classes(classes, labels), opacity, 0)


def enlarge_small(image: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both in multiples of their size, so that a narrow picture has room for a legend."""
    height, width = classes.shape
    factor = -(-LEAST_WIDTH // width)
    size = (width * factor, height * factor)
    return cv2.resize(image, size), cv2.resize(classes, size, interpolation=cv2.INTER_NEAREST)


def draw_legend(width: int, labels: Labels, shown: tuple[int, ...]) -> np.ndarray:
    """A strip that says which colour is which class, in as many columns as fit.

    Args:
        width: Of the strip in pixels; the letters grow with it.
        labels: Names and palette.
        shown: Train ids of the classes to name.

    Returns:
        uint8, height x ``width`` x 3, BGR.
    """
    size = int(np.clip(width / PIXELS_A_FONT_SIZE, *FONT_SIZES))
    font, line = _font(size), round(1.5 * size)
    text = max((font.getlength(labels.classes[k]) for k in shown), default=0)
    columns = max(1, int((width - size // 2) // (text + 2.5 * size)))
    rows = -(-len(shown) // columns)
    strip = Image.new('RGB', (width, rows * line + size // 2 * bool(rows)), 'white')
    draw = ImageDraw.Draw(strip)
    for place, k in enumerate(shown):
        left = size // 2 + place % columns * (width - size // 2) // columns
        top = size // 4 + place // columns * line
        box = (left, top + line // 6, left + size, top + line // 6 + size)
        draw.rectangle(box, fill=tuple(labels.palette[k]), outline='black')
        draw.text((left + 1.5 * size, top + line / 2), labels.classes[k], fill='black', font=font, anchor='lm')
    return np.ascontiguousarray(np.asarray(strip)[:, :, ::-1])


def present_classes(classes: np.ndarray, labels: Labels) -> tuple[int, ...]:
    """The train ids that occur."""
    counts = cv2.calcHist([classes], [0], None, [256], [0, 256]).ravel()
    return tuple(np.flatnonzero(counts[: len(labels.classes)]).tolist())


def class_shares(classes: np.ndarray, labels: Labels) -> list[float]:
    """The share of the pixels, 0 to 1, of each class."""
    counts = np.bincount(classes.ravel(), minlength=256)[: len(labels.classes)]
    return (counts / classes.size).tolist()


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / 'fonts' / 'ttf' / 'DejaVuSans.ttf'), size)
