"""Tiny images and labels in the folders that users have: coloured boxes on grey, 64 x 48."""

from pathlib import Path

import cv2
import numpy as np

WIDTH, HEIGHT = 64, 48


def scene(rng, values):
    """An image (H, W, 3) and its label (H, W): the first value is the ground, each other one a box."""
    label = np.full((HEIGHT, WIDTH), values[0], np.uint8)
    image = np.full((HEIGHT, WIDTH, 3), 60.0)
    for number, value in enumerate(values[1:], start=1):
        x, y = rng.integers(0, WIDTH // 2), rng.integers(0, HEIGHT // 2)
        box = slice(y, y + HEIGHT // 2), slice(x, x + WIDTH // 3)
        label[box], image[box] = value, [90 * number % 256, 255 - 70 * number % 256, 150 * number % 256]
    return np.clip(image + rng.normal(0, 8, image.shape), 0, 255).astype(np.uint8), label


def write_pairs(folder, split, number, values, labels='labels', seed=0):
    """Images and labels of a split, im000.jpg and im000.png and so on."""
    rng = np.random.default_rng(seed)
    for kind in ('images', labels):
        Path(folder, kind, split).mkdir(parents=True, exist_ok=True)
    for index in range(number):
        image, label = scene(rng, values)
        cv2.imwrite(f'{folder}/images/{split}/im{index:03d}.jpg', image)
        cv2.imwrite(f'{folder}/{labels}/{split}/im{index:03d}.png', label)


def write_all(folder):
    """One data set of each kind: as ADE20K's, with val, in lists, and of two classes."""
    for seed, (split, number) in enumerate((('training', 8), ('validation', 3))):
        write_pairs(f'{folder}/ade', split, number, (0, 1, 2, 3), 'annotations', seed)
        write_pairs(f'{folder}/drive', split, number, (0, 1), 'annotations', seed + 2)
    for seed, (split, number) in enumerate((('train', 8), ('val', 3)), start=4):
        write_pairs(f'{folder}/city', split, number, (0, 1, 2), seed=seed)
        write_pairs(f'{folder}/binary', split, number, (0, 1), seed=seed + 2)
    write_pairs(f'{folder}/lists', '', 16, (0, 1, 2), seed=8)
    names = [f'im{index:03d}' for index in range(16)]
    for name, part in (('train', names[:6]), ('aug', names[6:12]), ('val', names[12:])):
        Path(folder, 'lists', f'{name}.txt').write_text('\n'.join(part) + '\n')
