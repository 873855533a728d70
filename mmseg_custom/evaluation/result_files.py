"""What a test leaves behind: the matrix, every score, and a line an image."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from mmseg_custom.evaluation.scores import iou_per_class, scores_of
from mmseg_custom.evaluation.segmentation_metric import ImageResult, SegmentationMetric
from mmseg_custom.io.files import PathLike, atomic_path, write_csv, write_json


def write_results(
    folder: PathLike, metric: SegmentationMetric, scores: Mapping[str, float], facts: Mapping[str, Any]
) -> None:
    """Write what an evaluation found.

    - ``confusion_matrix.npy`` (int64, row = true class) and ``confusion_matrix.csv``, the same with names
    - ``scores.json``: scores and, class by class, IoU, accuracy and number of labelled pixels, in percent;
      ``null`` where nothing was counted
    - ``per_image.csv``: mIoU, pixel accuracy and loss of every image, the worst mIoU first

    Args:
        folder: Where the files go.
        metric: After its evaluation, in the main process.
        scores: What it returned.
        facts: What else belongs into ``scores.json``: config, checkpoint, settings.
    """
    folder, classes = Path(folder), list(metric.dataset_meta['classes'])
    with atomic_path(folder / 'confusion_matrix.npy') as temporary, temporary.open('wb') as file:
        np.save(file, metric.matrix.numpy())
    rows = [[name, *counts] for name, counts in zip(classes, metric.matrix.tolist(), strict=True)]
    write_csv(['true \\ predicted', *classes], rows, folder / 'confusion_matrix.csv')
    overall = {name: finite(value) for name, value in scores.items() if not name.startswith('IoU.')}
    described = {'scores': overall, 'classes': describe_classes(classes, metric.matrix)}
    write_json({**described, 'images': len(metric.per_image), **facts}, folder / 'scores.json')
    write_csv(['image', 'mIoU', 'aAcc', 'val_loss'], image_rows(metric.per_image), folder / 'per_image.csv')


def describe_classes(classes: Sequence[str], matrix: Tensor) -> dict[str, dict[str, float | None]]:
    """IoU and accuracy in percent, and labelled pixels, of every class of a matrix (C, C)."""
    accuracy = 100 * matrix.diagonal().double() / matrix.sum(1)
    columns = (iou_per_class(matrix).tolist(), accuracy.tolist(), matrix.sum(1).tolist())
    return {
        name: {'IoU': finite(iou), 'accuracy': finite(share), 'pixels': pixels}
        for name, iou, share, pixels in zip(classes, *columns, strict=True)
    }


def image_rows(images: Iterable[ImageResult]) -> list[list[Any]]:
    """Path, mIoU, pixel accuracy and loss of every image, the worst mIoU first; images without any label last."""
    rows = []
    for image in images:
        scores = scores_of(image.matrix)
        rows.append([image.path, finite(scores['mIoU']), finite(scores['aAcc']), finite(image.loss)])
    return sorted(rows, key=lambda row: math.inf if row[1] is None else row[1])


def finite(value: float | None) -> float | None:
    """``value``, or ``None`` where it is not a finite number, which JSON does not have."""
    return value if value is not None and math.isfinite(value) else None
