"""What a score is: one integer confusion matrix, every number derived from it."""

from mmseg_custom.evaluation.bootstrap import gain_interval, miou_interval
from mmseg_custom.evaluation.confusion_matrix import confusion_matrix
from mmseg_custom.evaluation.merged_tta_model import MergedTTAModel
from mmseg_custom.evaluation.result_files import write_results
from mmseg_custom.evaluation.score import score
from mmseg_custom.evaluation.scores import iou_per_class, scores_of
from mmseg_custom.evaluation.segmentation_metric import ImageResult, SegmentationMetric
from mmseg_custom.evaluation.submission_writer import SubmissionWriter

__all__ = [
    'ImageResult',
    'MergedTTAModel',
    'SegmentationMetric',
    'SubmissionWriter',
    'confusion_matrix',
    'gain_interval',
    'iou_per_class',
    'miou_interval',
    'score',
    'scores_of',
    'write_results',
]
