"""Image, truth, prediction and errors of a sample as pictures that fit into a page."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import mmcv
import numpy as np
from PIL import Image

WIDTH = 480
JPEG_QUALITY = 82
# Correct, wrong, not counted.
ERROR_COLOURS = ((222, 226, 230), (213, 94, 0), (255, 255, 255))


@dataclass(frozen=True)
class Sample:
    """An image of the val split as data URIs.

    Attributes:
        name: Its file name.
        score: Its mIoU in percent.
        image: The image.
        truth: The label in the colours of the classes; what does not count is black.
        prediction: The prediction in the same colours.
        errors: Where they differ, in the colours of :data:`ERROR_COLOURS`.
    """

    name: str
    score: float
    image: str
    truth: str
    prediction: str
    errors: str


def picture(
    path: str, score: float, truth: np.ndarray, prediction: np.ndarray, palette: Sequence[Sequence[int]]
) -> Sample:
    """Make the pictures of a sample.

    Args:
        path: The image file; brought to the size of the label.
        score: Its mIoU in percent.
        truth: Label, uint8, H x W.
        prediction: Predicted classes of the same shape.
        palette: An RGB colour a class; labels beyond it do not count.
    """
    size = (min(WIDTH, truth.shape[1]), round(truth.shape[0] * min(1, WIDTH / truth.shape[1])))
    image = cv2.resize(mmcv.imread(path), size, interpolation=cv2.INTER_AREA)
    colours = np.zeros((256, 3), np.uint8)
    colours[: len(palette)] = palette
    maps = {
        'truth': (truth, colours),
        'prediction': (prediction, colours),
        'errors': (error_map(truth, prediction, len(palette)), np.array(ERROR_COLOURS, np.uint8)),
    }
    shown = {key: _label_uri(label, size, table) for key, (label, table) in maps.items()}
    return Sample(Path(path).name, score, _image_uri(image), **shown)


def error_map(truth: np.ndarray, prediction: np.ndarray, num_classes: int) -> np.ndarray:
    """0 where prediction and truth agree, 1 where they differ, 2 where the label does not count; uint8, H x W."""
    return np.where(truth >= num_classes, 2, truth != prediction).astype(np.uint8)


def pixels(uri: str) -> np.ndarray:
    """The picture in a data URI of this module, uint8, H x W x 3, RGB."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(',')[2]))).convert('RGB'))


def data_uri(content: bytes, kind: str) -> str:
    """Bytes as a data URI of the media type ``image/<kind>``."""
    return f'data:image/{kind};base64,{base64.b64encode(content).decode()}'


def few_colours(content: bytes, number: int) -> bytes:
    """A PNG with a palette of so many colours."""
    picture = Image.open(io.BytesIO(content)).convert('RGB')
    return _png(picture.quantize(number, method=Image.Quantize.FASTOCTREE))


def _image_uri(image: np.ndarray) -> str:
    content = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
    return data_uri(content.tobytes(), 'jpeg')


def _label_uri(label: np.ndarray, size: tuple[int, int], colours: np.ndarray) -> str:
    """A PNG with a palette: a label map takes a few kilobytes."""
    shown = Image.fromarray(cv2.resize(label, size, interpolation=cv2.INTER_NEAREST))
    shown.putpalette(colours.tobytes())
    return data_uri(_png(shown), 'png')


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, 'png', optimize=True)
    return buffer.getvalue()
