"""What the weights of a fold get right on the images that were held out of it, image by image."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mmseg_custom.errors import StageError
from mmseg_custom.io.files import PathLike, write_bytes

SUFFIX = '.held_out.npz'


@dataclass(frozen=True)
class HeldOutCounts:
    """Pixel counts of a fold's held-out images.

    Attributes:
        paths: Of the images, N.
        areas: int64 (N, 3, C): intersection of prediction and label, prediction, and label, as MMSegmentation's
            ``IoUMetric`` counts them.
        matrix: The confusion matrix of all of them, int64 (C, C), row = true class.
    """

    paths: tuple[str, ...]
    areas: np.ndarray
    matrix: np.ndarray

    @classmethod
    def of(cls, paths: Sequence[str], matrices: Tensor) -> 'HeldOutCounts':
        """The counts of some images from the confusion matrix of each, int64 (N, C, C)."""
        areas = torch.stack([matrices.diagonal(dim1=1, dim2=2), matrices.sum(1), matrices.sum(2)], dim=1)
        return cls(tuple(paths), areas.numpy(), matrices.sum(0).numpy())

    @classmethod
    def together(cls, folds: Sequence['HeldOutCounts']) -> 'HeldOutCounts':
        """The counts of the images of all folds."""
        return cls(
            tuple(path for fold in folds for path in fold.paths),
            np.concatenate([fold.areas for fold in folds]),
            np.sum([fold.matrix for fold in folds], axis=0),
        )


def counts_file(folder: PathLike, run_name: str) -> Path:
    """Where the counts of a run are kept in its stage's folder."""
    return Path(folder) / f'{run_name}{SUFFIX}'


def write_counts(counts: HeldOutCounts, path: PathLike) -> None:
    """Write counts to ``path`` atomically."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, paths=np.array(counts.paths), areas=counts.areas, matrix=counts.matrix)
    write_bytes(buffer.getvalue(), path)


def read_counts(path: PathLike) -> HeldOutCounts:
    """Read what :func:`write_counts` wrote.

    Raises:
        StageError: If the file is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as content:
            return HeldOutCounts(tuple(content['paths'].tolist()), content['areas'], content['matrix'])
    except (OSError, ValueError, KeyError) as error:
        raise StageError(f'{path} cannot be read ({error}): archive its run by --force and train it anew.') from error
