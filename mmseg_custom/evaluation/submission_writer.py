"""Predictions as the files that a benchmark's server takes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from mmseg.registry import METRICS

from mmseg_custom.datasets.transforms.map_label_ids import first_raw_ids
from mmseg_custom.engine.files import PathLike, write_bytes
from mmseg_custom.evaluation.confusion_matrix import resize_classes


@METRICS.register_module()
class SubmissionWriter(BaseMetric):
    """Writes each prediction as an 8-bit PNG of raw ids at the size of its label, named as its image.

    For Cityscapes that is ``<city>_<sequence>_<frame>_leftImg8bit.png``, which its server and
    ``cityscapesscripts`` find. It gives no score. Files are written atomically.

    Args:
        folder: Where the files go.
        table: Raw id to train id, as in ``MapLabelIds``; of several raw ids of a class the first is written.
        **kwargs: As the host's ``BaseMetric``.
    """

    default_prefix = ''

    def __init__(self, folder: PathLike, table: Mapping[int, int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.folder = Path(folder)
        self.raw_ids = invert_table(table)

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Write the predictions of one batch."""
        for sample in data_samples:
            size = tuple(sample['gt_sem_seg']['data'].shape[-2:])
            classes = resize_classes(sample['pred_sem_seg']['data'].squeeze(0), size).cpu().numpy()
            path = self.folder / f'{Path(sample["img_path"]).stem}.png'
            write_bytes(encode_png(self.raw_ids[classes]), path)
            self.results.append(str(path))

    def compute_metrics(self, results: list[str]) -> dict[str, float]:
        """Say how many files there are."""
        print_log(f'{len(results)} predictions with raw ids in {self.folder}', logger='current')
        return {}


def invert_table(table: Mapping[int, int]) -> np.ndarray:
    """The raw id of every train id as a look-up table of 256 entries, 0 where there is none."""
    raw_ids = np.zeros(256, np.uint8)
    for train, raw in first_raw_ids(table).items():
        raw_ids[train] = raw
    return raw_ids


def encode_png(image: np.ndarray) -> bytes:
    """The bytes of an 8-bit PNG file."""
    return cv2.imencode('.png', image)[1].tobytes()
