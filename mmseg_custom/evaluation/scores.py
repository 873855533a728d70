"""What a score is: every number derived from one integer confusion matrix."""

from torch import Tensor


def iou_per_class(matrix: Tensor) -> Tensor:
    """Intersection over union per class in percent, (..., C); NaN for classes that do not occur.

    Args:
        matrix: One or more confusion matrices, (..., C, C).
    """
    matrix = matrix.double()
    hits = matrix.diagonal(dim1=-2, dim2=-1)
    return 100 * hits / (matrix.sum(-2) + matrix.sum(-1) - hits)


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
