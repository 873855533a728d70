"""Pixels of each class in each label of any data set, read once and kept in a file."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from pathlib import Path
from re import sub
from time import monotonic
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
from mmengine.logging import print_log
from mmseg.registry import TRANSFORMS

from mmseg_custom.datasets.folds.image_names import file_key
from mmseg_custom.datasets.folds.leaves import Sample
from mmseg_custom.datasets.label_reader import LabelError
from mmseg_custom.datasets.parallel import Progress, map_in_processes
from mmseg_custom.datasets.sample_files import is_elsewhere
from mmseg_custom.io.files import PathLike, atomic_path, hash_text

VALUES = 256
OTHERS = ('ignored', 'unknown')  # What is counted besides the classes.
SECONDS = 10.0
LABELS_AT_A_TIME = 16
# What gives the ids of a label in the pipelines of MMSegmentation and of this project, by the ends of class names.
LOADERS = ('Annotations', 'Annotation')
MAPPERS = ('MapLabelIds',)


class Reading(NamedTuple):
    """How the labels of one data set are read.

    Attributes:
        steps: The transforms of its pipeline that load a label and map its ids.
        num_classes: C.
        ignore_index: What counts nowhere.
    """

    steps: list[Any]
    num_classes: int
    ignore_index: int


def count_labels(
    leaves: Sequence[Any],
    samples: Sequence[Sample],
    cache: PathLike | None = None,
    workers: int = 1,
    on_progress: Progress | None = None,
) -> np.ndarray:
    """The pixels of no class and of each class in the label of each sample.

    A label is read by the ``LoadAnnotations`` of its data set's pipeline (with ``reduce_zero_label`` and the
    ``label_map`` of the data set), at its own size.

    Args:
        leaves: Built data sets, as :func:`~mmseg_custom.datasets.folds.leaves.build_leaves` gives them.
        samples: Of these.
        cache: Where counts are kept. Labels whose size and time of change are those of the last time are not read.
        workers: Number of processes. Defaults to 1.
        on_progress: Called with the number of labels read and their total; by default the log says so every 10
            seconds.

    Returns:
        Of shape (samples, 2 + C), int64: behind :data:`OTHERS`, those that are ignored and those whose id neither is
        ignored nor belongs to a class, come the classes.

    Raises:
        LabelError: If a sample has no label, or one cannot be read, naming it.
    """
    if any(not sample.info.get('seg_map_path') for sample in samples):
        raise LabelError("Images without labels cannot be told by their classes: set data_prefix's seg_map_path.")
    readings = [_reading(leaf) for leaf in leaves]
    rows = [_row(sample, readings[sample.leaf]) for sample in samples]
    known = _read(cache)
    missing = {row: sample for row, sample in zip(rows, samples, strict=True) if row not in known}
    with _kept(known, cache):
        count = partial(_count, readings=readings)
        counted = map_in_processes(
            count, list(missing.values()), workers, on_progress or LogProgress(), at_a_time=LABELS_AT_A_TIME
        )
        for row, pixels in zip(missing, counted, strict=True):
            known[row] = pixels
    width = len(OTHERS) + max(reading.num_classes for reading in readings)
    found = [known[row][:width] for row in rows]
    return np.array([np.pad(row, (0, width - len(row))) for row in found], np.int64).reshape(len(rows), width)


class LogProgress:
    """Says in the log how far the reading of labels is, every 10 seconds."""

    def __init__(self) -> None:
        self.start = self.said = monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Note that ``done`` of ``total`` labels are read."""
        now = monotonic()
        if now - self.said >= SECONDS:
            self.said, left = now, (now - self.start) / done * (total - done)
            print_log(f'{done} of {total} labels read, about {left / 60:.1f} minutes left', 'current')


def _reading(leaf: Any) -> Reading:
    steps = [step for step in getattr(leaf.pipeline, 'transforms', []) if _gives_ids(step)]
    if not any(type(step).__name__.endswith(LOADERS) for step in steps):
        steps = [TRANSFORMS.build(dict(type='mmseg.LoadAnnotations')), *steps]
    classes = leaf.metainfo.get('classes')
    return Reading(deepcopy(steps), len(classes) if classes else VALUES, getattr(leaf, 'ignore_index', 255))


def _gives_ids(step: Any) -> bool:
    return type(step).__name__.endswith((*LOADERS, *MAPPERS))


def _row(sample: Sample, reading: Reading) -> str:
    """What a count is kept by: the label's file, its size and time of change, and how it is read."""
    path = sample.info['seg_map_path']
    stat = None if is_elsewhere(path) or not Path(path).is_file() else Path(path).stat()
    stamp = (stat.st_size, stat.st_mtime_ns) if stat else ()
    steps = sub(r' at 0x[0-9a-f]+', '', repr(reading))
    how = OTHERS, steps, sample.info.get('label_map'), sample.info.get('reduce_zero_label')
    return hash_text(f'{file_key(path)} {stamp} {how}')


def ids_of(sample: Sample, leaf: Any) -> np.ndarray:
    """The ids of a label as the pipeline of its data set gives them; raises whatever a transform does."""
    return _load(sample, _reading(leaf))


def _load(sample: Sample, reading: Reading) -> np.ndarray:
    results: dict[str, Any] = {**sample.info, 'seg_fields': []}
    for step in reading.steps:
        results = step(results)
    return np.asarray(results['gt_seg_map'])


def _count(sample: Sample, readings: Sequence[Reading]) -> np.ndarray:
    reading = readings[sample.leaf]
    try:
        ids = _load(sample, reading)
        ignored = ids == reading.ignore_index
        known = ids[(ids >= 0) & (ids < reading.num_classes) & ~ignored]
    except Exception as error:  # A loader may be the user's own code.
        raise LabelError(
            f'{sample.info["seg_map_path"]} cannot be read ({type(error).__name__}: {error}): mend the file, or take '
            'the image off the data set.'
        ) from error
    others = ignored.sum(), ids.size - ignored.sum() - known.size
    return np.array([*others, *np.bincount(known.astype(np.int64).ravel(), minlength=reading.num_classes)], np.int64)


def _read(cache: PathLike | None) -> dict[str, np.ndarray]:
    """The counts of the last time; none if the file is missing or damaged: labels are then read again."""
    if cache is None or not Path(cache).is_file():
        return {}
    try:
        with np.load(cache, allow_pickle=False) as content:
            return dict(zip(content['rows'].tolist(), content['pixels'], strict=True))
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return {}


@contextmanager
def _kept(known: dict[str, np.ndarray], cache: PathLike | None) -> Iterator[None]:
    """Keep what was counted, also where the rest could not be."""
    before = len(known)
    try:
        yield
    finally:
        if cache is not None and len(known) > before:
            width = max(map(len, known.values()))
            pixels = np.array([np.pad(one, (0, width - len(one))) for one in known.values()])
            with atomic_path(cache) as temporary, temporary.open('wb') as file:
                np.savez_compressed(file, rows=np.array(list(known)), pixels=pixels)
