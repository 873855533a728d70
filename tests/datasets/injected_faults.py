"""Faults done to the data set in ``data``: each function does one and returns its kind, file, detail and image."""

import shutil
from pathlib import Path

import cv2
import numpy as np
from PIL import Image


def image(number, split='train'):
    return sorted(Path('data/leftImg8bit', split).glob('*/*.png'))[number]


def label(number, split='train'):
    path = Path(str(image(number, split)).replace('leftImg8bit/', 'gtFine/'))
    return path.with_name(path.name.replace('_leftImg8bit', '_gtFine_labelIds'))


def name(number, split='train'):
    path = str(image(number, split))
    return path.removeprefix('data/leftImg8bit/').removesuffix('_leftImg8bit.png')


def save(path, array):
    assert cv2.imwrite(str(path), array)


def missing_label():
    label(3).unlink()
    return 'missing label', image(3), f'no {label(3)}', name(3)


def label_without_image():
    stray = label(3).with_name('ghost_gtFine_labelIds.png')
    shutil.copy(label(3), stray)
    ghost = image(3).with_name('ghost_leftImg8bit.png')
    return 'label without image', stray, f'no {ghost}', None


def empty_image():
    image(3).write_bytes(b'')
    return 'empty file', image(3), '0 bytes', name(3)


def empty_label():
    label(1, 'val').write_bytes(b'')
    return 'empty file', label(1, 'val'), '0 bytes', name(1, 'val')


def truncated_image():
    """Twenty bytes less: all pixels still decode, but OpenCV gives none of them."""
    image(3).write_bytes(image(3).read_bytes()[:-20])
    return 'unreadable', image(3), 'OSError: Truncated File Read', name(3)


def truncated_label():
    label(3).write_bytes(label(3).read_bytes()[:150])
    return 'unreadable', label(3), '', name(3)


def text_as_image():
    image(3).write_text('no image')
    return 'unreadable', image(3), 'UnidentifiedImageError: ', name(3)


def smaller_label():
    save(label(3), np.full((16, 64), 7, np.uint8))
    return 'different sizes', label(3), '64 x 16, but its image 64 x 32', name(3)


def smaller_pair():
    save(image(3), np.zeros((16, 64, 3), np.uint8))
    save(label(3), np.full((16, 64), 7, np.uint8))
    return 'unexpected size', image(3), '64 x 16, but 9 of 10 are 64 x 32', name(3)


def gray_alpha_image():
    Image.open(image(3)).convert('LA').save(image(3))
    return 'wrong mode', image(3), 'LA, expected 8-bit RGB', name(3)


def alpha_image():
    save(image(3), cv2.cvtColor(cv2.imread(str(image(3))), cv2.COLOR_BGR2BGRA))
    return 'wrong mode', image(3), 'RGBA, expected 8-bit RGB', name(3)


def deep_image():
    save(image(3), cv2.imread(str(image(3))).astype(np.uint16) * 257)
    return 'wrong mode', image(3), 'RGB;16, expected 8-bit RGB', name(3)


def deep_label():
    save(label(3), cv2.imread(str(label(3)), cv2.IMREAD_UNCHANGED).astype(np.uint16))
    return 'wrong mode', label(3), 'I;16, expected one channel of 8 bits', name(3)


def coloured_label():
    save(label(3), cv2.imread(str(label(3))))
    return 'wrong mode', label(3), 'RGB, expected one channel of 8 bits', name(3)


def turned_image():
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.open(image(3)).save(image(3), exif=exif)
    return 'EXIF rotation', image(3), 'orientation 3 turns the image, but not its label', name(3)


def unknown_ids():
    ids = np.full((32, 64), 7, np.uint8)
    ids[0, :5], ids[1, :2] = 90, 77
    save(label(3), ids)
    return 'unknown label ids', label(3), 'unknown ids (id: pixels) {77: 2, 90: 5} in', name(3)


def ignored_label():
    save(label(1, 'val'), np.full((32, 64), 4, np.uint8))
    return 'wholly ignored', label(1, 'val'), 'no pixel has a class', name(1, 'val')


def same_pixels():
    """Encoded anew, so that the bytes differ."""
    Image.open(image(2)).save(image(3), compress_level=0)
    assert image(2).read_bytes() != image(3).read_bytes()
    return 'duplicate image', image(3), f'same pixels as {image(2)}', name(3)


def val_image_in_train():
    shutil.copy(image(1, 'val'), image(3))
    return 'leakage', image(3), f'same pixels as {image(1, "val")}', name(3)


INJECTIONS = [
    missing_label, label_without_image, empty_image, empty_label, truncated_image, truncated_label, text_as_image,
    smaller_label, smaller_pair, gray_alpha_image, alpha_image, deep_image, deep_label, coloured_label, turned_image,
    unknown_ids, ignored_label, same_pixels, val_image_in_train,
]  # fmt: skip
