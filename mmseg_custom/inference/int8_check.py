"""An int8 network beside the float one that it was made of: scores and time."""

import json
import time
from collections.abc import Iterable, Sequence
from itertools import cycle, islice
from statistics import median
from typing import NamedTuple

import torch

from mmseg_custom.evaluation.confusion_matrix import confusion_matrix, resize_classes
from mmseg_custom.evaluation.scores import scores_of
from mmseg_custom.inference.networks import Network
from mmseg_custom.inference.preparation import Sample
from mmseg_custom.io.memory import num_cores

# In mIoU, percent.
LARGEST_LOSS = 0.5
# Pairs of runs that a median is taken of, at least; of fewer images some are run again.
LEAST_TIMED = 9


class Int8Check(NamedTuple):
    """Float and int8 on the same images, in turns.

    Attributes:
        float_miou: Of the float network, percent.
        int8_miou: Of the int8 network.
        images: Number of images that both were scored on.
        float_seconds: Median an image.
        int8_seconds: As ``float_seconds``.
        cores: That this process may use.
        calibrated_on: Number of training images.
    """

    float_miou: float
    int8_miou: float
    images: int
    float_seconds: float
    int8_seconds: float
    cores: int
    calibrated_on: int

    @property
    def faults(self) -> list[str]:
        """Why the int8 network is not worth having; empty if it is. A mIoU of NaN is a fault, too."""
        faults = []
        if not self.float_miou - self.int8_miou <= LARGEST_LOSS:
            faults.append(f'it loses more than {LARGEST_LOSS} mIoU')
        if self.int8_seconds >= self.float_seconds:
            faults.append('it is not faster on this machine')
        return faults

    def __str__(self) -> str:
        return (
            f'mIoU {self.float_miou:.2f} float, {self.int8_miou:.2f} int8 on {self.images} images; '
            f'{_seconds(self.float_seconds)} float, {_seconds(self.int8_seconds)} int8 an image on {self.cores} '
            f'core{"s" * (self.cores > 1)} ({self.float_seconds / self.int8_seconds:.2f} x); calibrated on '
            f'{self.calibrated_on} training images'
        )

    def to_metadata(self) -> dict[str, str]:
        """The entry ``int8`` of a file's metadata."""
        return {'int8': json.dumps(self._asdict())}


def compare(
    networks: Sequence[Network], samples: Iterable[Sample], classes: int, ignore_index: int, calibrated_on: int
) -> Int8Check:
    """Score and time the float network and the int8 one, in turns, by one pass over the images.

    Args:
        networks: Float, int8.
        samples: Each with its label; a label of another size has the classes brought to it (nearest).
        classes: Number of classes.
        ignore_index: Label of the pixels that do not count.
        calibrated_on: Number of images the int8 network was calibrated on.
    """
    matrices = torch.zeros(2, classes, classes, dtype=torch.int64)
    seconds: list[list[float]] = [[], []]
    kept: list[Sample] = []
    images = 0
    for images, sample in enumerate(samples, 1):
        if not kept:
            _run_in_turns(networks, sample, 0, [[], []])  # The first run allocates.
        label = sample['data_samples'].gt_sem_seg.data.squeeze(0)
        for number, found in _run_in_turns(networks, sample, images, seconds).items():
            matrices[number] += confusion_matrix(resize_classes(found, label.shape), label, classes, ignore_index)
        kept = [*kept, sample][:LEAST_TIMED]
    for turn, sample in enumerate(islice(cycle(kept), max(0, LEAST_TIMED - images))):
        _run_in_turns(networks, sample, turn, seconds)
    plain, int8 = (scores_of(matrix)['mIoU'] for matrix in matrices)
    return Int8Check(plain, int8, images, median(seconds[0]), median(seconds[1]), num_cores(), calibrated_on)


def _run_in_turns(
    networks: Sequence[Network], sample: Sample, turn: int, seconds: list[list[float]]
) -> dict[int, torch.Tensor]:
    """The classes (h, w) of both networks by their number; which one begins changes from turn to turn."""
    found = {}
    for number in (turn % 2, 1 - turn % 2):
        start = time.perf_counter()
        found[number] = networks[number].classes([sample])[0]
        seconds[number].append(time.perf_counter() - start)
    return found


def _seconds(value: float) -> str:
    return f'{value:.2f} s' if value >= 1 else f'{1e3 * value:.3g} ms'
