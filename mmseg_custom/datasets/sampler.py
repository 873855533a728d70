"""A sampler whose every sample carries the key of its own randomness."""

from collections.abc import Iterator
from typing import NamedTuple

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

    def __iter__(self) -> Iterator[SampleKey]:
        """Iterate the keys of this rank's samples of the current epoch."""
        for index in super().__iter__():
            yield SampleKey(self.seed, self.epoch, index)
