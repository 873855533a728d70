"""Looking for label errors in kept predictions, an image at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mmseg_custom.evaluation.kept_predictions import VOID, KeptPredictions, PredictionRecord
from mmseg_custom.label_errors.components import Component, find_components
from mmseg_custom.label_errors.confident_learning import (
    confident_thresholds,
    count_errors,
    count_levels,
    find_errors,
    last_level,
)

Keep = Callable[[str, np.ndarray], None]


@dataclass(frozen=True)
class ImageErrors:
    """What was found in an image.

    Attributes:
        record: Of its prediction.
        size: Height and width.
        labelled: Number of pixels that are not void.
        pixels: How many of these are probably wrong.
        components: How many components of them there are.
    """

    record: PredictionRecord
    size: tuple[int, int]
    labelled: int
    pixels: int
    components: int


@dataclass(frozen=True)
class LabelErrors:
    """What was found.

    Attributes:
        thresholds: Of each class, (C,), see :func:`confident_thresholds`.
        pixels: Number of pixels that are probably wrong by confident learning.
        images: All images, those of the lowest quality first, wholly void ones last.
        components: All components, the surest first.
    """

    thresholds: np.ndarray
    pixels: int
    images: list[ImageErrors]
    components: list[Component]


@dataclass(frozen=True)
class Search:
    """How label errors are looked for.

    Attributes:
        boundary: As :func:`find_components`.
        least: As :func:`find_components`.
    """

    boundary: int
    least: int

    def run(self, kept: KeptPredictions, names: Sequence[str], keep: Keep) -> LabelErrors:
        """Look through all images three times: their records, their levels, their pixels.

        Args:
            kept: The predictions.
            names: Of the images.
            keep: Takes the name of each image and the classes suggested, uint8 (H, W), 255 where none is.

        Raises:
            PredictionError: If a prediction is missing or damaged.
        """
        records = [kept.record(name) for name in names]
        thresholds = _thresholds(records)
        errors, levels = 0, np.zeros(256, np.int64)
        for record in records:
            maps = kept.maps(record)
            errors += count_errors(maps, thresholds)
            levels += count_levels(maps)
        level = last_level(levels, errors)
        images, components = [], []
        for record in records:
            image, found = self._look(kept, record, level, keep)
            images.append(image)
            components += found
        images.sort(key=lambda image: (image.record.quality is None, image.record.quality))
        components.sort(key=lambda one: (-one.score, -one.pixels, one.key))
        return LabelErrors(thresholds, sum(image.pixels for image in images), images, components)

    def _look(
        self, kept: KeptPredictions, record: PredictionRecord, level: int, keep: Keep
    ) -> tuple[ImageErrors, list[Component]]:
        maps = kept.maps(record)
        errors = find_errors(maps, level)
        found = find_components(record.name, maps, errors, self.boundary, self.least)
        keep(record.name, np.where(errors, maps.classes, VOID).astype(np.uint8))
        labelled = int(np.count_nonzero(maps.label != VOID))
        size = (maps.label.shape[0], maps.label.shape[1])
        return ImageErrors(record, size, labelled, int(np.count_nonzero(errors)), len(found)), found


def _thresholds(records: Sequence[PredictionRecord]) -> np.ndarray:
    sums = np.sum([record.probability_sums for record in records], axis=0)
    return confident_thresholds(sums, np.sum([record.matrix().sum(1) for record in records], axis=0))
