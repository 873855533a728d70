"""What a score is: one integer confusion matrix, every number derived from it."""

from mmseg_custom.evaluation.criterion import attach_criterion
from mmseg_custom.evaluation.score import score
from mmseg_custom.evaluation.scores import confusion_matrix, iou_per_class, scores_of
from mmseg_custom.evaluation.segmentation_metric import SegmentationMetric

__all__ = [
    'SegmentationMetric',
    'attach_criterion',
    'confusion_matrix',
    'iou_per_class',
    'score',
    'scores_of',
]
