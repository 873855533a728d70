"""What the labels of a data set hold as a whole: classes without a pixel, ignored pixels, 255 for the object."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmseg_custom.datasets.checks.image_modes import LOOKED_AT, spread
from mmseg_custom.datasets.label_reader import LabelError, LabelReader
from mmseg_custom.datasets.sample_files import few, is_elsewhere

# Street scenes leave a tenth of their pixels unlabelled; beyond a half a wrong table of ids is the likelier reason.
TOO_MUCH = 0.5
# The largest id of a uint8 label file.
STORED = 255


@dataclass(frozen=True, eq=False)
class LabelCounts:
    """Pixels of some labels.

    Attributes:
        pixels: Of each class (C,), int64.
        ignored: Without a class.
        at_255: Of these, stored as 255.
        looked_at: Number of labels that were counted.
        total: Number of labels there are.
    """

    pixels: np.ndarray
    ignored: int
    at_255: int
    looked_at: int
    total: int

    @property
    def text(self) -> str:
        """Which labels were counted."""
        return 'labels' if self.looked_at == self.total else f'{self.looked_at} of {self.total} labels looked at'


def count_ids(loaded: dict, reader: LabelReader) -> np.ndarray:
    """The pixels of each class, of none, and those of none that are stored as 255: (C + 2,), int64.

    Args:
        loaded: As :meth:`LabelReader.load` gives it.
        reader: The same.

    Raises:
        ValueError: If the label holds unknown ids.
    """
    stored, mapper = loaded['gt_seg_map'], reader.mapper
    counts = np.bincount(reader.map_ids(loaded).ravel(), minlength=256)
    # Where 0 means no class, the reading has stored it as 255.
    at_255 = 0 if loaded.get('reduce_zero_label') else np.count_nonzero(stored == STORED)
    ignored = counts[mapper.ignore_index]
    return np.array([*counts[: mapper.num_classes], ignored, min(at_255, ignored)])


def add_up(counts: Sequence[np.ndarray], total: int) -> LabelCounts | None:
    """The sum over labels of what :func:`count_ids` gives; ``None`` without one."""
    if not counts:
        return None
    *pixels, ignored, at_255 = np.sum(counts, axis=0)
    return LabelCounts(np.array(pixels), int(ignored), int(at_255), len(counts), total)


def survey_labels(samples: Sequence[dict], reader: LabelReader, at_most: int = LOOKED_AT) -> LabelCounts | None:
    """Count labels spread evenly over a data set; those that cannot be read do not count.

    Args:
        samples: As the data set lists them.
        reader: Reads their labels.
        at_most: How many are looked at; all, where these show a single class alone.
    """
    samples = [s for s in samples if s.get('seg_map_path') and not is_elsewhere(s['seg_map_path'])]
    found = add_up(_count_all(spread(samples, at_most), reader), len(samples))
    if found and describe_single_class(found, [''] * len(found.pixels)) and found.looked_at < len(samples):
        return add_up(_count_all(samples, reader), len(samples))
    return found


def _count_all(samples: Sequence[dict], reader: LabelReader) -> list[np.ndarray]:
    counts = []
    for sample in samples:
        try:
            counts.append(count_ids(reader.load(sample), reader))
        except (OSError, SyntaxError, ValueError):
            continue  # Whoever loads it says so.
    return counts


def describe_single_class(train: LabelCounts, classes: Sequence[str]) -> str | None:
    """What is wrong with labels that hold one class and 255 for the others, if they do."""
    present = np.flatnonzero(train.pixels)
    if len(present) != 1 or not train.at_255 or len(classes) < 2:
        return None
    k = int(present[0])
    others = few([name for name in classes if name != classes[k]])
    return (
        f'the train {train.text} hold {classes[k]!r} and 255 alone, and 255 is ignored: no pixel of {others}, and a '
        f'network would learn that all is {classes[k]!r}. If 255 is a class, say which by '
        'dict(type="MapLabelIds", table={0: 0, 255: 1}, num_classes=2) behind LoadAnnotations in the pipelines of '
        'all loaders, or write 1 for 255 into the files'
    )


def refuse_single_class(train: LabelCounts | None, classes: Sequence[str]) -> None:
    """Refuse labels with nothing to tell apart.

    Raises:
        LabelError: If :func:`describe_single_class` finds a fault.
    """
    fault = train and describe_single_class(train, classes)
    if fault:
        raise LabelError(f'{fault[0].upper()}{fault[1:]}.')


def describe_labels(
    train: LabelCounts | None, val: LabelCounts | None, classes: Sequence[str], known: np.ndarray | None = None
) -> list[str]:
    """A sentence on the classes that train lacks, on those val has nevertheless, and on a mostly ignored split.

    Args:
        train: Of what is trained on.
        val: Of what is validated on.
        classes: Names of the C classes.
        known: Pixels of each class (C,) in all labels that are trained on, if they were counted before.
    """
    lines = []
    for split, counts in (('train', train), ('val', val)):
        if counts and counts.ignored > TOO_MUCH * (counts.ignored + counts.pixels.sum()):
            share = counts.ignored / (counts.ignored + counts.pixels.sum())
            lines.append(f'{share:.0%} of the pixels of the {split} {counts.text} are ignored (they have no class)')
    if train is None:
        return lines
    absent, text = (train.pixels == 0, train.text) if known is None else (known == 0, 'labels')
    if absent.any():
        lines.append(f'the train {text} have no pixel of {_names(classes, absent)}')
    if val and (val.pixels > 0)[absent].any():
        lines.append(
            f'val has pixels of {_names(classes, absent & (val.pixels > 0))}, which the train {text} lack: what is '
            'never trained on gets an IoU of 0'
        )
    return lines


def _names(classes: Sequence[str], chosen: np.ndarray) -> str:
    return ', '.join(name for name, is_chosen in zip(classes, chosen, strict=True) if is_chosen)
