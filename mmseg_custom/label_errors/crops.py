"""Image, label, suggestion and difference of a place as pictures for the page."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from mmseg_custom.evaluation.kept_predictions import VOID, Maps
from mmseg_custom.io.files import write_bytes

WIDTH = 360  # pixels of a picture at most
AROUND = 0.75  # Of the size of a component, what is shown on each side.
LEAST = 64  # pixels on each side: what a thing is, its surroundings tell.
QUALITY = 80
SHARE = 0.55  # Of the colour of a class over the image.
MARKED = (0, 94, 213)  # BGR, of what is contradicted.

Window = tuple[slice, slice]


def window_around(box: Sequence[int], shape: tuple[int, int]) -> Window:
    """Rows and columns around a box ``(left, top, width, height)``, inside of an image (H, W)."""
    left, top, width, height = box
    side = max(LEAST, round(AROUND * max(width, height)))
    rows = slice(max(top - side, 0), min(top + height + side, shape[0]))
    return rows, slice(max(left - side, 0), min(left + width + side, shape[1]))


def read_image(path: str, shape: tuple[int, int]) -> np.ndarray:
    """An image at the size (H, W) of its label, BGR; grey where OpenCV cannot read it."""
    image = cv2.imread(path, cv2.IMREAD_COLOR) if Path(path).is_file() else None
    if image is None:
        return np.full((*shape, 3), 128, np.uint8)
    return cv2.resize(image, shape[::-1], interpolation=cv2.INTER_AREA) if image.shape[:2] != shape else image


def write_crops(
    image: np.ndarray, maps: Maps, contradicted: np.ndarray, window: Window, palette: np.ndarray, stem: Path
) -> tuple[int, int]:
    """Write the four pictures of a window as ``<stem>_<kind>.jpg``.

    Args:
        image: BGR, (H, W, 3).
        maps: Of the image.
        contradicted: What the suggestion is about, bool (H, W).
        window: What is shown.
        palette: RGB of each class, (C, 3).
        stem: Of the files.

    Returns:
        Width and height of the pictures.
    """
    shown, mask, label = image[window], contradicted[window], maps.label[window]
    suggestion = np.where(mask, maps.classes[window], label)
    grey = cv2.cvtColor(cv2.cvtColor(shown, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    pictures = {
        'image': shown,
        'label': _coloured(shown, label, palette),
        'suggestion': _coloured(shown, suggestion, palette),
        'difference': np.where(mask[..., None], np.array(MARKED, np.uint8), grey),
    }
    height, width = mask.shape
    scale = WIDTH / width
    size = (WIDTH, max(1, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    for kind, picture in pictures.items():
        resized = cv2.resize(picture, size, interpolation=how)
        content = cv2.imencode('.jpg', resized, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
        write_bytes(content.tobytes(), stem.with_name(f'{stem.name}_{kind}.jpg'))
    return size


def _coloured(image: np.ndarray, classes: np.ndarray, palette: np.ndarray) -> np.ndarray:
    colours = np.zeros((256, 3), np.uint8)
    colours[: len(palette)] = palette[:, ::-1]
    mixed = cv2.addWeighted(image, 1 - SHARE, colours[classes], SHARE, 0)
    return np.where((classes == VOID)[..., None], image // 3, mixed)
