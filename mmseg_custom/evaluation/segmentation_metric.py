"""The metric of every stage: scores and the validation value of the stage's own loss."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from mmseg.registry import METRICS
from prettytable import PrettyTable
from torch import Tensor

from mmseg_custom.datasets.bad_samples import SKIPPED
from mmseg_custom.evaluation.confusion_matrix import confusion_matrix, resize_classes
from mmseg_custom.evaluation.scores import iou_per_class, scores_of

Criterion = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class ImageResult:
    """What the metric keeps of one image.

    Attributes:
        path: The image file.
        matrix: Its confusion matrix, int64 (C, C) on the CPU, row = true class.
        loss: The value of the criterion; ``None`` where there is none.
    """

    path: str
    matrix: Tensor
    loss: float | None


@METRICS.register_module()
class SegmentationMetric(BaseMetric):
    """Sums one int64 confusion matrix per image and derives every score from the sum.

    Reports ``mIoU`` over the classes that occur, ``fwIoU``, ``aAcc``, ``mAcc`` and ``IoU.<class>``, all in percent,
    and ``val_loss``, the mean over the images of :attr:`criterion`. The size of the score is that of the label:
    the host brings the logits to ``ori_shape``.

    Args:
        ignore_index: Label of the pixels that do not count. Defaults to 255.
        resize_prediction: Bring predicted classes to the size of a label of another size by nearest neighbour; such
            an image has no loss. Defaults to ``False``: another size is an error.
        **kwargs: As the host's ``BaseMetric``.

    Attributes:
        criterion: The loss of logits (1, C, H, W) and label (1, H, W); the runner sets the stage's own. ``None``
            leaves ``val_loss`` out.
        per_image: The images of the last evaluation in the order of the data set, each once, whatever the number of
            processes; in the main process only.
        matrix: Their confusion matrix, int64 (C, C); ``None`` before the first evaluation.
    """

    default_prefix = ''

    def __init__(self, ignore_index: int = 255, resize_prediction: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ignore_index = ignore_index
        self.resize_prediction = resize_prediction
        self.criterion: Criterion | None = None
        self.per_image: list[ImageResult] = []
        self.matrix: Tensor | None = None

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Count one batch: an :class:`ImageResult` per image."""
        num_classes = len(self.dataset_meta['classes'])
        for sample in data_samples:
            prediction = sample['pred_sem_seg']['data'].squeeze(0)
            target = sample['gt_sem_seg']['data'].squeeze(0).to(prediction.device)
            if self.resize_prediction:
                prediction = resize_classes(prediction, target.shape)
            try:
                matrix = confusion_matrix(prediction, target, num_classes, self.ignore_index)
            except ValueError as error:
                raise ValueError(f'{sample.get("seg_map_path", "A label")}: {error}') from error
            loss = None if SKIPPED in sample else self._loss(sample['seg_logits']['data'], target)
            self.results.append(ImageResult(sample.get('img_path', ''), matrix.cpu(), loss))

    def compute_metrics(self, results: list[ImageResult]) -> dict[str, float]:
        """Derive the scores of all images."""
        scores = self.add_up(results)
        losses = [image.loss for image in results if image.loss is not None]
        if losses:
            scores['val_loss'] = sum(losses) / len(losses)
        per_class = dict(zip(self.dataset_meta['classes'], iou_per_class(self.matrix).tolist(), strict=True))
        print_log('per class IoU:\n' + _table(per_class), logger='current')
        return {**scores, **{f'IoU.{name}': value for name, value in per_class.items()}}

    def add_up(self, results: list[ImageResult]) -> dict[str, float]:
        """Set :attr:`per_image` and :attr:`matrix`; returns the scores that follow from the matrix."""
        self.per_image = results
        self.matrix = torch.stack([image.matrix for image in results]).sum(0)
        return scores_of(self.matrix)

    def _loss(self, logits: Tensor, target: Tensor) -> float | None:
        if self.criterion is None or logits.shape[1:] != target.shape:
            return None
        return float(self.criterion(logits[None], target[None].long()))


def _table(per_class: dict[str, float]) -> str:
    table = PrettyTable(['class', 'IoU'])
    table.add_rows([[name, f'{value:.2f}'] for name, value in per_class.items()])
    return table.get_string()
