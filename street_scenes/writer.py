"""Writes street scenes to disk in the layout of Cityscapes."""

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from street_scenes.label_errors import break_some
from street_scenes.scene import render_scene

TRAIN_CITIES = (
    'Ahrenbruck', 'Belmora', 'Castelune', 'Dornfurt', 'Eskelund', 'Falkenried', 'Grenmouth', 'Hallowick',
)  # fmt: skip
VAL_CITIES = ('Ilmenbach', 'Jarrowby', 'Korsvik')
# Val scenes start here, far from any train scene.
VAL_START = 1 << 24
# The ids of Cityscapes that are classes in training.
TRAINED_IDS = (7, 8, 11, 12, 13, 17, *range(19, 29), 31, 32, 33)
LEAST_BROKEN = 300  # pixels: a car at some distance


def write_dataset(
    root: str | Path,
    train: int = 80,
    val: int = 20,
    height: int = 128,
    width: int = 256,
    seed: int = 0,
    train_cities: Sequence[str] = TRAIN_CITIES,
    val_cities: Sequence[str] = VAL_CITIES,
    label_errors: float = 0.0,
) -> bool:
    """Writes ``leftImg8bit/`` and ``gtFine/`` with the splits train and val, and ``streets.json``.

    An image depends on seed, split, city and its own number only: a larger set begins with the smaller one.

    Args:
        root: Folder to create; it appears when it is complete.
        train: Number of train images, dealt out to ``train_cities`` in turn.
        val: Number of val images, dealt out to ``val_cities``.
        height: Rows of an image.
        width: Columns of an image.
        seed: Another seed, another data set.
        train_cities: Names of cities.
        val_cities: Names of other cities.
        label_errors: The part of the train labels that get an error each, by :func:`break_label`;
            ``label_errors.json`` names them. Defaults to 0.

    Returns:
        Whether anything was written: False if ``root`` holds this very data set already.

    Raises:
        FileExistsError: If ``root`` exists with other arguments or without ``streets.json``.
    """
    arguments = dict(train=train, val=val, height=height, width=width, seed=seed)
    arguments |= dict(train_cities=list(train_cities), val_cities=list(val_cities))
    if label_errors:
        arguments |= {'label_errors': label_errors}
    root = Path(root)
    if root.exists():
        _check_same(root, arguments)
        return False
    with _draft_of(root) as draft:
        _write_split(draft, 'train', train, train_cities, (height, width), seed << 25)
        _write_split(draft, 'val', val, val_cities, (height, width), (seed << 25) + VAL_START)
        if label_errors:
            errors = _break_labels(draft / 'gtFine/train', label_errors, seed)
            (draft / 'label_errors.json').write_text(json.dumps(errors, indent=1) + '\n', encoding='utf-8')
        (draft / 'streets.json').write_text(json.dumps(arguments, indent=2) + '\n', encoding='utf-8')
    return True


@contextmanager
def _draft_of(root: Path) -> Iterator[Path]:
    """A temporary folder beside ``root`` that becomes ``root`` if all goes well, else vanishes."""
    root.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f'.{root.name}-', dir=root.parent))
    try:
        yield draft
        draft.chmod(0o755)
        draft.rename(root)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _check_same(root: Path, arguments: dict[str, object]) -> None:
    record = root / 'streets.json'
    found = json.loads(record.read_text(encoding='utf-8')) if record.is_file() else None
    if found != arguments:
        raise FileExistsError(f'{root} exists and holds {found}, not {arguments}: remove it or name another folder')


def _write_split(
    root: Path, split: str, count: int, cities: Sequence[str], size: tuple[int, int], first_seed: int
) -> None:
    for number in range(count):
        city = cities[number % len(cities)]
        image, labels = render_scene(first_seed + number, city, *size)
        stem = f'{city.lower()}_{number // len(cities):06d}_000019'
        _save(root / 'leftImg8bit' / split / city.lower() / f'{stem}_leftImg8bit.png', image)
        _save(root / 'gtFine' / split / city.lower() / f'{stem}_gtFine_labelIds.png', labels)


def _break_labels(folder: Path, share: float, seed: int) -> dict[str, str]:
    """Break a part of the labels of a folder, the kinds of errors in turn; the kind of each by its file."""
    rng, files = np.random.default_rng(seed), sorted(folder.rglob('*.png'))
    errors = {}
    for path, how, _, broken in break_some(files, TRAINED_IDS, share, LEAST_BROKEN, rng):
        _save(path, broken)
        errors[path.relative_to(folder).as_posix()] = how
    return errors


def _save(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), image):
        raise OSError(f'{path}: could not be written; is the disk full?')
