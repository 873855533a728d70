"""Looking for label errors in kept predictions, an image at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mmseg_custom.evaluation.kept_predictions import VOID, KeptPredictions, PredictionRecord
from mmseg_custom.label_errors.components import Component, away_from_boundaries, evidence, find_components
from mmseg_custom.label_errors.confident_learning import (
    confident_thresholds,
    count_errors,
    count_levels,
    differs,
    find_errors,
    last_level,
)
from mmseg_custom.label_errors.misplaced import Shift, best_shift

Keep = Callable[[str, np.ndarray], None]
SMALLEST_DEVIATION = 1e-3  # Of what is below it in most images, everything above would be infinitely far.


@dataclass(frozen=True)
class ImageErrors:
    """What was found in an image.

    Attributes:
        record: Of its prediction, without what was counted.
        size: Height and width.
        labelled: Number of pixels that are not void.
        pixels: How many of these the prediction contradicts with confidence.
        components: How many components of them there are.
        evidence: Against the label, away from its boundaries: the logarithm of how many times as probable the class
            predicted is, the mean over the labelled pixels, in nats.
        shift: Where the label would fit better.
    """

    record: PredictionRecord
    size: tuple[int, int]
    labelled: int
    pixels: int
    components: int
    evidence: float
    shift: Shift


@dataclass(frozen=True)
class LabelErrors:
    """What was found.

    Attributes:
        thresholds: Of each class, (C,), see :func:`confident_thresholds`.
        pixels: Number of pixels that confident learning takes for wrong.
        images: All images, the most suspicious first, wholly void ones last.
        components: All components, the most suspicious first.
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
        records, thresholds = _read(kept, names)
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
        components.sort(key=lambda one: (-one.suspicion, -one.pixels, one.key))
        return LabelErrors(
            thresholds, sum(image.pixels for image in images), most_suspicious_first(images), components
        )

    def _look(
        self, kept: KeptPredictions, record: PredictionRecord, level: int, keep: Keep
    ) -> tuple[ImageErrors, list[Component]]:
        maps = kept.maps(record)
        errors = find_errors(maps, level)
        found = find_components(record.name, maps, errors, self.boundary, self.least)
        keep(record.name, np.where(errors, maps.classes, VOID).astype(np.uint8))
        labelled = int(np.count_nonzero(maps.label != VOID))
        size = (maps.label.shape[0], maps.label.shape[1])
        inner = away_from_boundaries(maps.label, self.boundary) & differs(maps)
        against = float(evidence(maps.best[inner], maps.given[inner]).sum(dtype=np.float64) / max(labelled, 1))
        wrong = int(np.count_nonzero(errors))
        return ImageErrors(record, size, labelled, wrong, len(found), against, best_shift(maps)), found


def most_suspicious_first(images: Sequence[ImageErrors]) -> list[ImageErrors]:
    """Images by how far they lie above the usual in evidence or in what a shift would gain, whichever is more."""
    evidence = _above_usual([image.evidence for image in images])
    shifts = _above_usual([image.shift.gain for image in images])
    suspicion = np.maximum(evidence, shifts).tolist()
    order = sorted(range(len(images)), key=lambda at: (not images[at].labelled, -suspicion[at], -images[at].evidence))
    return [images[at] for at in order]


def _above_usual(values: Sequence[float]) -> np.ndarray:
    """How many deviations values lie above their median; the deviation is that of the middle, which errors leave."""
    median, upper = np.percentile(values, (50, 84))
    return (np.asarray(values) - median) / max(upper - median, SMALLEST_DEVIATION)


def _read(kept: KeptPredictions, names: Sequence[str]) -> tuple[list[PredictionRecord], np.ndarray]:
    """The records without their counts, which would fill the memory, and the thresholds that follow from these."""
    records: list[PredictionRecord] = []
    sums, pixels = 0.0, 0
    for name in names:
        record = kept.record(name)
        sums += np.array(record.probability_sums)
        pixels += record.matrix().sum(1)
        records.append(record.without_counts())
    return records, confident_thresholds(sums, pixels)
