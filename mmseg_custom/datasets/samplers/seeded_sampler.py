"""A sampler whose every sample carries the key of its own randomness."""

import random
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import cv2
import numpy as np
from mmengine.dataset import DefaultSampler
from mmseg.registry import DATA_SAMPLERS


class SampleKey(int):
    """An index that says what its training sample is a function of, and goes wherever an index does.

    Two keys are equal if all three numbers are; what is calculated from a key is a plain number.

    Args:
        seed: Of the run.
        epoch: The number of times the data have been gone through before.
        index: Of the sample.
    """

    seed: int
    epoch: int

    def __new__(cls, seed: int, epoch: int, index: int) -> 'SampleKey':
        """A key."""
        key = super().__new__(cls, index)
        key.seed, key.epoch = seed, epoch
        return key

    def __getnewargs__(self) -> tuple[int, int, int]:
        """What the workers of a data loader make the same key of."""
        return self.seed, self.epoch, self.index

    def __eq__(self, other: object) -> bool:
        """Whether ``other`` is the same key, or an index without one that is the same."""
        if isinstance(other, SampleKey):
            return self.__getnewargs__() == other.__getnewargs__()
        return int.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        """Whether ``other`` is another key or index."""
        return not self == other

    __hash__ = int.__hash__

    def __repr__(self) -> str:
        """As it is made."""
        return f'SampleKey{self.__getnewargs__()}'

    @property
    def index(self) -> int:
        """The index alone."""
        return int(self)


@DATA_SAMPLERS.register_module()
class SeededSampler(DefaultSampler):
    """MMEngine's sampler, yielding :class:`SampleKey` for bare indices.

    The order is a function of (seed, epoch), and the randomness of a sample one of (seed, epoch, index): neither
    the number of workers nor an interruption changes what the network sees. Of data sets that know nothing of keys,
    :class:`~mmseg_custom.datasets.SeededDataset` makes it so. Arguments as ``DefaultSampler``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._skipped = 0

    def skip_in_epoch(self, num_samples: int) -> None:
        """Leave out this rank's first ``num_samples`` samples of an epoch the next time, and only then.

        It is not called ``skip``: that is, to MMEngine's loops, a position over all epochs, counted in full batches.
        """
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
    words = np.random.SeedSequence((key.seed, key.epoch, key.index)).generate_state(3)
    np.random.seed(words[0])
    random.seed(int(words[1]))
    cv2.setRNGSeed(int(words[2] & 0x7FFFFFFF))
