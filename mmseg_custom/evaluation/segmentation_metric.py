"""The metric of every stage: scores and the validation value of the stage's own loss."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from mmseg.registry import METRICS
from prettytable import PrettyTable
from torch import Tensor

from mmseg_custom.datasets.checks.bad_samples import SKIPPED
from mmseg_custom.engine.criterion import Criterion
from mmseg_custom.errors import UserError
from mmseg_custom.evaluation.confusion_matrix import confusion_matrix, resize_classes
from mmseg_custom.evaluation.scores import iou_per_class, scores_of
from mmseg_custom.io.files import PathLike, write_bytes


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


class PredictionNameError(UserError, ValueError):
    """Two images whose predictions would have one file."""


@METRICS.register_module()
class SegmentationMetric(BaseMetric):
    """Sums one int64 confusion matrix per image and derives every score from the sum.

    Reports ``mIoU`` over the classes that occur, ``fwIoU``, ``aAcc``, ``mAcc`` and ``IoU.<class>``, all in percent,
    and ``val_loss``, the mean over the images of :attr:`criterion`, where the model gives logits. The size of the
    score is that of the label: MMSegmentation brings the logits to ``ori_shape``.

    Args:
        ignore_index: Label of the pixels that do not count. Defaults to 255.
        output_dir: Folder for the predicted classes, a PNG an image, as MMSegmentation's ``IoUMetric`` writes them
            and its ``tools/test.py --out`` asks for. Defaults to ``None``: none are written.
        format_only: Write them and compute nothing: for images without labels. Defaults to ``False``.
        keep_results: Of no effect; ``tools/test.py --out`` sets it.
        resize_prediction: Bring predicted classes to the size of a label of another size by nearest neighbour; such
            an image has no loss. Defaults to ``False``: another size is an error.
        **kwargs: As MMEngine's ``BaseMetric``.

    Attributes:
        criterion: The loss of logits (1, C, H, W) and label (1, H, W); the runner sets the stage's own. ``None``
            leaves ``val_loss`` out.
        per_image: The images of the last evaluation in the order of the data set, each once, whatever the number of
            processes; in the main process only.
        matrix: Their confusion matrix, int64 (C, C); ``None`` before the first evaluation.
    """

    default_prefix = ''

    def __init__(
        self,
        ignore_index: int = 255,
        resize_prediction: bool = False,
        output_dir: PathLike | None = None,
        format_only: bool = False,
        keep_results: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if format_only and not output_dir:
            raise ValueError('format_only=True writes predictions and nothing else: say where, output_dir=...')
        self.ignore_index = ignore_index
        self.resize_prediction = resize_prediction
        self.output_dir = Path(output_dir) if output_dir else None
        self.format_only = format_only
        self._written: dict[str, str] = {}
        self.criterion: Criterion | None = None
        self.per_image: list[ImageResult] = []
        self.matrix: Tensor | None = None

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Count one batch: an :class:`ImageResult` per image."""
        for sample in data_samples:
            prediction = sample['pred_sem_seg']['data'].squeeze(0)
            if self.output_dir is not None:
                self._write(sample, prediction)
            if not self.format_only:
                self.results.append(self._result(sample, prediction))

    def compute_metrics(self, results: list[ImageResult]) -> dict[str, float]:
        """Derive the scores of all images."""
        if self.format_only:
            print_log(f'Predictions are in {self.output_dir}', logger='current')
            return {}
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

    def _result(self, sample: dict, prediction: Tensor) -> ImageResult:
        target = sample['gt_sem_seg']['data'].squeeze(0).to(prediction.device)
        if self.resize_prediction:
            prediction = resize_classes(prediction, target.shape)
        try:
            matrix = confusion_matrix(prediction, target, len(self.dataset_meta['classes']), self.ignore_index)
        except ValueError as error:
            raise ValueError(f'{sample.get("seg_map_path", "A label")}: {error}') from error
        loss = None if SKIPPED in sample or 'seg_logits' not in sample else self._loss(sample, target)
        return ImageResult(sample.get('img_path', ''), matrix.cpu(), loss)

    def _write(self, sample: dict, prediction: Tensor) -> None:
        """Write a prediction, its ids as those of the labels."""
        path = self.output_dir / f'{Path(sample["img_path"]).stem}.png'
        other = self._written.setdefault(path.name, sample['img_path'])
        if other != sample['img_path']:
            raise PredictionNameError(
                f'{other} and {sample["img_path"]} would both be written to {path}: leave out output_dir (--out), or '
                'give the images names of their own.'
            )
        ids = prediction + 1 if sample.get('reduce_zero_label', False) else prediction
        _, content = cv2.imencode('.png', ids.byte().cpu().numpy())
        write_bytes(content.tobytes(), path)

    def _loss(self, sample: dict, target: Tensor) -> float | None:
        logits = sample['seg_logits']['data']
        if self.criterion is None or logits.shape[1:] != target.shape:
            return None
        return float(self.criterion(logits[None], target[None].long()))


def _table(per_class: dict[str, float]) -> str:
    table = PrettyTable(['class', 'IoU'])
    table.add_rows([[name, f'{value:.2f}'] for name, value in per_class.items()])
    return table.get_string()
