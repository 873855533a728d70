"""Predictions as the files that a benchmark's server takes."""

import os
from collections.abc import Mapping, Sequence
from logging import WARNING
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from mmseg.registry import METRICS

from mmseg_custom.datasets.checks.bad_samples import SKIPPED
from mmseg_custom.datasets.checks.image_header import read_header
from mmseg_custom.datasets.transforms.map_label_ids import first_raw_ids
from mmseg_custom.errors import UserError
from mmseg_custom.evaluation.confusion_matrix import resize_classes
from mmseg_custom.io.files import PathLike, write_bytes

TURNED_BY_90 = range(5, 9)  # EXIF orientations.


class SubmissionError(UserError, ValueError):
    """Predictions that would overwrite each other; the message names the images."""


@METRICS.register_module()
class SubmissionWriter(BaseMetric):
    """Writes each prediction as an 8-bit PNG of raw ids, at the size of its label or else of its image file.

    A file is named as its image. For Cityscapes that is ``<city>_<sequence>_<frame>_leftImg8bit.png``, which its
    server and ``cityscapesscripts`` find, all in one folder. Where images in several folders have one name, all files
    lie in folders as the images do. It gives no score. Files are written atomically.

    Args:
        folder: Where the files go.
        table: Raw id to train id, as in ``MapLabelIds``; of several raw ids of a class the first is written. Defaults
            to ``None``: the ids are written as they are predicted.
        **kwargs: As MMEngine's ``BaseMetric``.

    Attributes:
        names: The file of each image, below the folder and without suffix, by the path of the image; to be set from
            :func:`unique_names` over all images. One that is not among them is written by its own name alone.
    """

    default_prefix = ''

    def __init__(self, folder: PathLike, table: Mapping[int, int] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.folder = Path(folder)
        self.raw_ids = np.arange(256, dtype=np.uint8) if table is None else invert_table(table)
        self.names: dict[str, str] = {}
        self._written: dict[str, str] = {}

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Write the predictions of one batch; of an image that stands in for a bad one there is nothing to write.

        Raises:
            SubmissionError: If two images have one file.
        """
        for sample in data_samples:
            self.results.append('' if SKIPPED in sample else str(self._write(sample)))

    def compute_metrics(self, results: list[str]) -> dict[str, float]:
        """Say how many files there are, and how many images have none."""
        files = set(filter(None, results))
        print_log(f'{len(files)} predictions with raw ids in {self.folder}', logger='current')
        if '' in results:
            print_log(f'{results.count("")} images that cannot be used have no prediction.', 'current', WARNING)
        return {}

    def _write(self, sample: dict) -> Path:
        image = sample['img_path']
        path = self.folder / f'{self.names.get(image, Path(image).stem)}.png'
        if self._written.setdefault(str(path), image) != image:
            raise SubmissionError(
                f'{path} is the prediction of {self._written[str(path)]} and would be overwritten by that of '
                f'{image}: write them by `python tools/test.py --submission`, which keeps their folders.'
            )
        classes = resize_classes(sample['pred_sem_seg']['data'].squeeze(0), wanted_size(sample)).cpu().numpy()
        write_bytes(encode_png(self.raw_ids[classes]), path)
        return path


def wanted_size(sample: dict) -> tuple[int, int]:
    """Height and width of the label of a sample, or without one those of its image file as it is decoded."""
    if 'gt_sem_seg' in sample:
        return tuple(sample['gt_sem_seg']['data'].shape[-2:])
    header = read_header(sample['img_path'], whole=False)
    return header.size if header.orientation in TURNED_BY_90 else header.size[::-1]


def unique_names(images: Sequence[str]) -> dict[str, str]:
    """A name of its own for each image file, by its path.

    The names of the files without suffix, if all differ; else the paths below their common folder without suffix; if
    these do not differ either, with it. Small and capital letters are one, as some file systems have it.

    Args:
        images: Paths of the files.
    """
    folder = os.path.commonpath([os.path.dirname(path) for path in images]) if images else ''  # noqa: PTH120
    relative = [Path(path).relative_to(folder) for path in images]
    ways = ([path.stem for path in relative], [path.with_suffix('').as_posix() for path in relative])
    for names in ways:
        if len({name.casefold() for name in names}) == len(names):
            return dict(zip(images, names, strict=True))
    return dict(zip(images, (path.as_posix() for path in relative), strict=True))


def invert_table(table: Mapping[int, int]) -> np.ndarray:
    """The raw id of every train id as a look-up table of 256 entries, 0 where there is none."""
    raw_ids = np.zeros(256, np.uint8)
    for train, raw in first_raw_ids(table).items():
        raw_ids[train] = raw
    return raw_ids


def encode_png(image: np.ndarray) -> bytes:
    """The bytes of an 8-bit PNG file."""
    return cv2.imencode('.png', image)[1].tobytes()
