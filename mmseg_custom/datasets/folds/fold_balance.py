"""What the folds have of each class, in words."""

from collections.abc import Sequence

import numpy as np

from mmseg_custom.datasets.folds.fold_file import FoldSplit
from mmseg_custom.datasets.folds.leaves import Sample
from mmseg_custom.datasets.folds.stratify import TOLERANCE
from mmseg_custom.datasets.sample_files import few


def fold_pixels(split: FoldSplit, samples: Sequence[Sample], pixels: np.ndarray) -> np.ndarray:
    """The pixels of each class in each fold, of shape (K, C); those of an image count once.

    Args:
        split: The folds.
        samples: Of the data set.
        pixels: Of each class in each sample's label, of shape (samples, C).
    """
    row = {sample.name: number for number, sample in reversed(list(enumerate(samples)))}
    return np.array([pixels[[row[name] for name in part]].sum(0) for part in split.folds])


def describe_balance(of_fold: np.ndarray, classes: Sequence[str]) -> list[str]:
    """A sentence on the rarest class, and on every class that a fold lacks or that one fold alone has.

    Args:
        of_fold: Pixels of each class in each fold, of shape (K, C).
        classes: Names of the C classes.
    """
    total = of_fold.sum(0)
    present = np.flatnonzero(total)
    if not len(present):
        return ['no pixel of any fold has a class']
    rarest = present[total[present].argmin()]
    of_mean = of_fold[:, rarest] / of_fold[:, rarest].mean()
    apart = '' if np.abs(of_mean - 1).max() <= TOLERANCE else ': groups or images are too few to share it out evenly'
    lines = [
        f'the rarest class, {classes[rarest]} ({total[rarest] / total.sum():.2%} of the pixels), has '
        f'{of_mean.min():.0%} to {of_mean.max():.0%} of its mean in a fold{apart}'
    ]
    return [*lines, *describe_missing(of_fold, classes)]


def describe_missing(of_fold: np.ndarray, classes: Sequence[str]) -> list[str]:
    """A sentence on every class that no fold has, that a fold lacks, or that one fold alone has.

    Args:
        of_fold: As :func:`describe_balance`.
        classes: As there.
    """
    total, lines = of_fold.sum(0), []
    present = np.flatnonzero(total)
    absent = [classes[kind] for kind in np.flatnonzero(total == 0)]
    if absent:
        lines.append(f'no label has a pixel of {few(absent)}')
    for fold, pixels in enumerate(of_fold, start=1):
        lacking = [classes[kind] for kind in present if pixels[kind] == 0]
        alone = [classes[kind] for kind in present if pixels[kind] == total[kind]]
        if lacking:
            lines.append(f'fold {fold} is not scored on {few(lacking)}: its held-out images have no such pixel')
        if alone:
            lines.append(f'fold {fold} never trains on {few(alone)}: its held-out images alone have such pixels')
    return lines
