"""What a score is: every number derived from one integer confusion matrix."""

import torch
from torch import Tensor


def confusion_matrix(prediction: Tensor, target: Tensor, num_classes: int, ignore_index: int = 255) -> Tensor:
    """Count pixels by true and predicted class.

    Args:
        prediction: Predicted classes, any integer shape.
        target: True classes of the same shape; pixels that are ``ignore_index`` are left out.
        num_classes: Number of classes, C.
        ignore_index: Label of the pixels that do not count.

    Returns:
        int64 matrix (C, C) on the inputs' device: row = true class, column = predicted class.

    Raises:
        ValueError: If the shapes differ or a label is outside 0..C-1 and not ``ignore_index``.
    """
    if prediction.shape != target.shape:
        raise ValueError(f'Prediction {tuple(prediction.shape)} and label {tuple(target.shape)} differ in shape.')
    valid = target != ignore_index
    truth, guess = target[valid].long(), prediction[valid].long()
    outside = (truth < 0) | (truth >= num_classes)
    if bool(outside.any()):
        raise ValueError(
            f'Label {int(truth[outside][0])} ({int(outside.sum())} pixels) is outside 0..{num_classes - 1}: check '
            'the id table of the data set and num_classes.'
        )
    return torch.bincount(truth * num_classes + guess, minlength=num_classes**2).view(num_classes, num_classes)


def iou_per_class(matrix: Tensor) -> Tensor:
    """Intersection over union per class in percent, shape (C,); NaN for classes that do not occur."""
    matrix = matrix.double()
    hits = matrix.diagonal()
    return 100 * hits / (matrix.sum(0) + matrix.sum(1) - hits)


def scores_of(matrix: Tensor) -> dict[str, float]:
    """The numbers of the report, in percent, from a confusion matrix.

    A class occurs when it is in a label or a prediction; classes that do not occur are left out of the means,
    classes with an IoU of 0 are not.

    Args:
        matrix: (C, C), row = true class.

    Returns:
        ``mIoU``, ``fwIoU`` (frequency-weighted IoU), ``aAcc`` (pixel accuracy) and ``mAcc`` (mean accuracy); NaN
        where nothing was counted.
    """
    matrix = matrix.double()
    truth, hits, iou = matrix.sum(1), matrix.diagonal(), iou_per_class(matrix)
    return {
        'mIoU': iou.nanmean().item(),
        'fwIoU': (iou.nan_to_num() * truth / truth.sum()).sum().item(),
        'aAcc': (100 * hits.sum() / matrix.sum()).item(),
        'mAcc': (100 * hits / truth).nanmean().item(),
    }
