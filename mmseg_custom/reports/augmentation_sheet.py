"""A contact sheet of the augmentations: every transform alone, then the levels as they are trained with."""

import copy
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import matplotlib
import numpy as np
from mmengine.config import Config
from mmengine.dataset import Compose
from mmseg.registry import DATASETS
from PIL import Image, ImageDraw, ImageFont

from mmseg_custom.datasets.samplers.seeded_sampler import SampleKey, seed_sample

LEVELS = ('none', 'standard', 'advanced')
CELL_WIDTHS = (240, 512)
GAP = 8
LINE = 17

Pair = tuple[np.ndarray, np.ndarray]
Levels = Mapping[str, Sequence[dict]]


class SheetRow(NamedTuple):
    """A row of the sheet: what was done, with which arguments (a line each), and image and label of every sample."""

    title: str
    notes: Sequence[str]
    pairs: Sequence[Pair]


def browse_augmentations(cfg: Config, num_images: int, seed: int) -> np.ndarray:
    """Draw the sheet of a few training images of a config, a function of its arguments and the images alone.

    Args:
        cfg: A config with a loading pipeline ``load`` and the levels of ``_base_/augmentations.py``.
        num_images: How many images, chosen at random from the whole train split.
        seed: Seed of that choice and of every transform.

    Returns:
        The sheet, uint8, H x W x 3, BGR.

    Raises:
        ValueError: If the config has no such pipeline or levels, or the data set not so many images.
    """
    missing = [key for key in ('load', *LEVELS) if key not in cfg]
    if missing:
        raise ValueError(
            f'{cfg.filename} has no {", ".join(missing)}: add a data set base with `load` and '
            '_base_/augmentations.py to its _base_.'
        )
    dataset = DATASETS.build({**cfg.train_dataloader.dataset, 'fold': None, 'pipeline': cfg.load})
    if not 1 <= num_images <= len(dataset):
        raise ValueError(f'{num_images} images cannot be chosen: the data set has {len(dataset)}.')
    chosen = np.random.default_rng(seed).choice(len(dataset), num_images, replace=False)
    samples = {dataset.name_of(sample): sample for sample in (dataset[int(index)] for index in sorted(chosen))}
    rows = augment_samples(list(samples.values()), {level: cfg[level] for level in LEVELS}, seed)
    return draw_sheet(rows, list(samples), dataset.metainfo['palette'])


def augment_samples(samples: Sequence[dict], levels: Levels, seed: int, draws: int = 3) -> list[SheetRow]:
    """Apply every transform alone with probability 1, and every level as it is.

    Args:
        samples: As the loading pipeline returns them, with ``img`` and ``gt_seg_map``; they stay as they are.
        levels: The configs of the transforms of each level; one that an earlier level has is not repeated.
        seed: With the numbers of row and sample, the seed of what is drawn.
        draws: Rows of each level that has transforms. Defaults to 3.
    """
    plan: list[tuple[str, Sequence[str], Sequence[dict]]] = [('original', (), ())]
    alone: list[dict] = []
    for level, steps in levels.items():
        for step in (step for step in steps if step not in alone):
            alone.append(step)
            always = {key: 1.0 if key == 'prob' else value for key, value in step.items()}
            plan.append((step['type'], [level, *_arguments(step)], [always]))
    for level, steps in levels.items():
        for draw in range(draws if steps else 1):
            plan.append((f'level {level}', [f'draw {draw + 1}'] if steps else (), steps))
    return [
        SheetRow(title, notes, [_augment(sample, steps, (seed, row, k)) for k, sample in enumerate(samples)])
        for row, (title, notes, steps) in enumerate(plan)
    ]


def overlay_label(image: np.ndarray, label: np.ndarray, palette: Sequence[Sequence[int]]) -> np.ndarray:
    """Paint a label map (H x W) over its image (uint8, H x W x 3, BGR); what is no class of ``palette`` turns dark.

    Args:
        image: The image.
        label: Class indices, 0 to 255.
        palette: An RGB colour a class.
    """
    colours = np.zeros((256, 3), np.uint8)
    colours[: len(palette)] = np.asarray(palette)[:, ::-1]
    return cv2.addWeighted(image, 0.4, colours[label], 0.6, 0)


def draw_sheet(rows: Sequence[SheetRow], names: Sequence[str], palette: Sequence[Sequence[int]]) -> np.ndarray:
    """Draw rows of image and label side by side, titles to their left, the samples' names above them.

    Args:
        rows: At least one, all with the same samples.
        names: Of the samples.
        palette: An RGB colour a class.

    Returns:
        The sheet, uint8, H x W x 3, BGR.
    """
    cell = _cell_size(rows[0].pairs[0][0])
    text = max(_font(bold).getlength(line) for row in rows for bold, line in _lines(row))
    lefts = [int(text) + 2 * GAP + k * (cell[0] + GAP) for k in range(2 * len(names))]
    heights = [max(cell[1], LINE * (1 + len(row.notes))) for row in rows]
    *tops, bottom = (2 * LINE + 2 * GAP + np.cumsum([0, *(height + GAP for height in heights)])).tolist()
    sheet = Image.new('RGB', (lefts[-1] + cell[0] + GAP, bottom), 'white')
    for name, left in zip(names, lefts[::2], strict=True):
        _write(sheet, (left, GAP), [(True, name)])
    for k, left in enumerate(lefts):
        _write(sheet, (left, GAP + LINE), [(False, ('image', 'label')[k % 2])])
    for row, top in zip(rows, tops, strict=True):
        _write(sheet, (GAP, top), _lines(row))
        shown = [part for image, label in row.pairs for part in (image, overlay_label(image, label, palette))]
        for part, left in zip(shown, lefts, strict=True):
            sheet.paste(_resized(part, cell), (left, top))
    return np.ascontiguousarray(np.asarray(sheet)[:, :, ::-1])


def _augment(sample: dict, steps: Sequence[dict], key: tuple[int, int, int]) -> Pair:
    seed_sample(SampleKey(*key))
    results = Compose(list(steps))(copy.deepcopy(sample))
    return results['img'], results['gt_seg_map']


def _arguments(step: dict) -> list[str]:
    return [f'{key} {_value(value)}' for key, value in step.items() if key != 'type']


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ' to '.join(map(_value, value))
    return f'{value:g}' if isinstance(value, float) else str(value)


def _cell_size(image: np.ndarray) -> tuple[int, int]:
    height, width = image.shape[:2]
    shown = min(max(width, CELL_WIDTHS[0]), CELL_WIDTHS[1])
    return shown, round(height * shown / width)


def _resized(image: np.ndarray, size: tuple[int, int]) -> Image.Image:
    method = cv2.INTER_AREA if size[0] < image.shape[1] else cv2.INTER_NEAREST
    return Image.fromarray(cv2.cvtColor(cv2.resize(image, size, interpolation=method), cv2.COLOR_BGR2RGB))


def _lines(row: SheetRow) -> list[tuple[bool, str]]:
    return [(True, row.title), *((False, note) for note in row.notes)]


def _write(sheet: Image.Image, place: tuple[int, int], lines: Sequence[tuple[bool, str]]) -> None:
    draw = ImageDraw.Draw(sheet)
    for number, (bold, line) in enumerate(lines):
        draw.text((place[0], place[1] + number * LINE), line, fill='black', font=_font(bold))


@cache
def _font(bold: bool) -> ImageFont.FreeTypeFont:
    name = 'DejaVuSans-Bold.ttf' if bold else 'DejaVuSans.ttf'
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / 'fonts' / 'ttf' / name), 13)
