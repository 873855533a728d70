"""A sampler whose every sample carries the key of its own randomness."""

import random
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import cv2
import numpy as np
from mmengine.dataset import DefaultSampler
from mmseg.registry import DATA_SAMPLERS


class SampleKey(NamedTuple):
    """What a training sample is a function of."""

    seed: int
    epoch: int
    index: int


@DATA_SAMPLERS.register_module()
class SeededSampler(DefaultSampler):
    """The host's sampler, yielding :class:`SampleKey` instead of bare indices.

    The order is a function of (seed, epoch), and the randomness of a sample one of (seed, epoch, index): neither
    the number of workers nor an interruption changes what the network sees. Arguments as ``DefaultSampler``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._skipped = 0

    def skip(self, num_samples: int) -> None:
        """Leave out this rank's first ``num_samples`` samples the next time, and only then."""
        self._skipped = num_samples

    def __iter__(self) -> Iterator[SampleKey]:
        """Iterate the keys of this rank's samples of the current epoch."""
        skipped, self._skipped = self._skipped, 0
        for index in islice(self._indices(), skipped, None):
            yield SampleKey(self.seed, self.epoch, index)

    def _indices(self) -> Iterable[int]:
        return super().__iter__()


def seed_sample(key: SampleKey) -> None:
    """Seed every generator that transforms draw from (NumPy, ``random``, OpenCV) for one sample."""
    words = np.random.SeedSequence(tuple(key)).generate_state(3)
    np.random.seed(words[0])
    random.seed(int(words[1]))
    cv2.setRNGSeed(int(words[2] & 0x7FFFFFFF))
