"""How often each class occurs, and the class weights that follow from it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from pathlib import Path

import numpy as np
from mmengine.config import Config

from mmseg_custom.datasets.class_colours import classes_of
from mmseg_custom.datasets.folds.fold_file import FoldSplit, read_split
from mmseg_custom.datasets.folds.kfold_dataset import KFoldDataset, whole_split
from mmseg_custom.datasets.label_reader import LabelError, LabelReader
from mmseg_custom.datasets.parallel import Progress, map_in_processes
from mmseg_custom.io.files import hash_text, read_json, write_json


@dataclass(frozen=True)
class ClassCounts:
    """Pixels of the train split by fold part and class; pixels without a class count nowhere.

    Attributes:
        key: Checksum of what was counted: files, folds, classes and the reading of the labels.
        classes: Names of the C classes.
        fold_pixels: K x C, pixels of each class in each part.
        fold_areas: K x C, pixels with any class in those images of the part that contain the class.
        image_pixels: Pixels of each class by the name of the image.
    """

    key: str
    classes: list[str]
    fold_pixels: list[list[int]]
    fold_areas: list[list[int]]
    image_pixels: dict[str, list[int]] = field(default_factory=dict)

    @property
    def pixels(self) -> np.ndarray:
        """Pixels of each class (C,), int64, in the whole train split."""
        return np.sum(self.fold_pixels, axis=0, dtype=np.int64)

    @property
    def areas(self) -> np.ndarray:
        """Pixels (C,), int64, of the images that contain each class."""
        return np.sum(self.fold_areas, axis=0, dtype=np.int64)


def median_frequency(counts: ClassCounts) -> np.ndarray:
    """Median-frequency balancing: the median of the frequencies over the frequency of the class.

    The frequency is the pixels of the class over all pixels of the images that contain it. From Eigen and Fergus,
    "Predicting Depth, Surface Normals and Semantic Labels with a Common Multi-Scale Convolutional Architecture",
    ICCV 2015 (https://arxiv.org/abs/1411.4734), as in SegNet (https://arxiv.org/abs/1511.00561). Pixels without a
    class count nowhere. A class that never occurs gets weight 1, that of the median.
    """
    pixels, present = counts.pixels, counts.pixels > 0
    frequency = pixels[present] / counts.areas[present]
    weights = np.ones(len(pixels))
    weights[present] = np.median(frequency) / frequency
    return weights


def inverse_log(counts: ClassCounts) -> np.ndarray:
    """``1 / ln(1.02 + p)`` for a class with a share p of the pixels: 1.4 to 50.5.

    From Paszke et al., "ENet: A Deep Neural Network Architecture for Real-Time Semantic Segmentation", 2016
    (https://arxiv.org/abs/1606.02147).
    """
    return 1 / np.log(1.02 + shares(counts.pixels))


WEIGHTINGS: dict[str, Callable[[ClassCounts], np.ndarray]] = {
    'median_frequency': median_frequency,
    'inverse_log': inverse_log,
}


def shares(pixels: np.ndarray) -> np.ndarray:
    """Pixel counts as shares of their sum, all 0 if that is 0."""
    return pixels / max(pixels.sum(), 1)


def class_weights(counts: ClassCounts, weighting: str = 'median_frequency') -> list[float]:
    """One weight a class, to five digits.

    Raises:
        LabelError: If no pixel has a class.
    """
    if not counts.pixels.any():
        raise LabelError('No pixel of the train split has a class: see `prepare_data.py CONFIG --verify`.')
    return [float(f'{weight:.5g}') for weight in WEIGHTINGS[weighting](counts)]


def statistics_file(fold_file: Path) -> Path:
    """Where the counts and weights that belong to a fold file are kept."""
    return fold_file.with_name(f'{fold_file.stem}_class_statistics.json')


def write_statistics(counts: ClassCounts, weighting: str, path: Path) -> None:
    """Write counts and weights as JSON that a loss takes as its ``class_weight``."""
    content = {'weighting': weighting, 'weights': class_weights(counts, weighting), 'pixels': counts.pixels.tolist()}
    write_json({**content, **asdict(counts)}, path)


def read_counts(path: Path, key: str) -> ClassCounts | None:
    """The counts in a file of :func:`write_statistics`, or ``None`` if it is not there or of other data."""
    content = read_json(path) if path.is_file() else {}
    names = {field.name for field in fields(ClassCounts)}
    if content.get('key') != key or not names <= content.keys():
        return None
    return ClassCounts(**{name: content[name] for name in names})


def counts_key(split: FoldSplit, reader: LabelReader, classes: Sequence[str]) -> str:
    """The checksum of what is counted: files, folds, the reading of the labels, classes."""
    return hash_text('\n'.join([split.fingerprint, split.hash, repr(reader), *classes]))


def class_counts(
    cfg: Config, split: FoldSplit, cache: Path, workers: int = 1, on_progress: Progress | None = None
) -> ClassCounts:
    """The counts of the train split: those of the cache if they fit, else counted anew.

    Args:
        cfg: A config whose data sets are :class:`KFoldDataset`.
        split: Its folds.
        cache: A file of :func:`write_statistics`, which need not exist.
        workers: Number of processes. Defaults to 1.
        on_progress: Called with the number of labels read and their total.

    Raises:
        LabelError: If a label cannot be read or holds unknown ids.
    """
    settings = cfg.train_dataloader.dataset
    reader, classes = LabelReader(settings), list(classes_of(settings))
    key = counts_key(split, reader, classes)
    known = read_counts(cache, key)
    if known:
        return known
    data = whole_split(settings, 'train')
    samples = {data.name_of(sample): sample for sample in data.load_data_list()}
    names = [name for part in split.folds for name in part]
    count, in_order = partial(count_label, reader=reader), [samples[name] for name in names]
    by_label = list(map_in_processes(count, in_order, workers, on_progress))
    sums = _sum_parts(by_label, [len(part) for part in split.folds], len(classes))
    by_name = {name: counted.tolist() for name, counted in zip(names, by_label, strict=True)}
    return ClassCounts(key, classes, *sums, by_name)


def counted_before(dataset: KFoldDataset, reader: LabelReader, classes: Sequence[str]) -> np.ndarray | None:
    """The pixels of each class (C,), int64, in the labels of a data set; ``None`` if they were not counted yet."""
    fold_file = dataset.folds.get('file')
    if not fold_file or not statistics_file(Path(fold_file)).is_file() or not Path(fold_file).is_file():
        return None
    counts = read_counts(statistics_file(Path(fold_file)), counts_key(read_split(fold_file), reader, classes))
    names = [dataset.name_of(dataset.get_data_info(index)) for index in range(len(dataset))]
    if counts is None or not counts.image_pixels.keys() >= set(names):
        return None
    return np.sum([counts.image_pixels[name] for name in names], axis=0, dtype=np.int64)


def _sum_parts(by_label: Iterable[np.ndarray], sizes: list[int], num_classes: int) -> tuple[list, list]:
    pixels, areas = np.zeros((2, len(sizes), num_classes), np.int64)
    for part, counted in zip(np.repeat(range(len(sizes)), sizes), by_label, strict=True):
        pixels[part] += counted
        areas[part] += counted.sum() * (counted > 0)
    return pixels.tolist(), areas.tolist()


def count_label(sample: dict, reader: LabelReader) -> np.ndarray:
    """The pixels of each class (C,), int64, in a sample's label file."""
    return np.bincount(reader(sample).ravel(), minlength=256)[: reader.mapper.num_classes]


def missing_classes(counts: ClassCounts) -> list[str]:
    """A sentence on every part that lacks a class, and on every fold that never trains on one."""
    total, lines = counts.pixels, []
    absent = _names(counts, total == 0)
    if absent:
        lines.append(f'the train split has no pixel of {absent}')
    for fold, part in enumerate(np.array(counts.fold_pixels), start=1):
        lacking, only_here = _names(counts, (part == 0) & (total > 0)), _names(counts, (part == total) & (total > 0))
        if lacking:
            lines.append(f'part {fold} has no pixel of {lacking}: fold {fold} has no score for it')
        if only_here:
            lines.append(f'only part {fold} has pixels of {only_here}: fold {fold} never trains on it')
    return lines


def _names(counts: ClassCounts, chosen: np.ndarray) -> str:
    return ', '.join(name for name, is_chosen in zip(counts.classes, chosen, strict=True) if is_chosen)


def format_table(counts: ClassCounts, weights: list[float]) -> str:
    """Classes with their pixels, share, weight, and share in each part of the split, as text."""
    parts = [shares(np.array(part)) for part in counts.fold_pixels]
    head = ['class', 'pixels', 'share', 'weight', *(f'part {fold + 1}' for fold in range(len(parts)))]
    columns = zip(counts.classes, counts.pixels, shares(counts.pixels), weights, *parts, strict=True)
    rows = [
        [name, f'{pixels:,}', f'{share:.3%}', f'{weight:g}', *(f'{part:.3%}' for part in by_part)]
        for name, pixels, share, weight, *by_part in columns
    ]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = ([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])] for row in [head, *rows])
    return '\n'.join('  '.join(line) for line in lines)
