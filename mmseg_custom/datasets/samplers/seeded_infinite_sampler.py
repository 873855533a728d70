"""A sampler without end whose every sample carries the key of its own randomness."""

from collections.abc import Iterator
from itertools import islice

import torch
from mmengine.dataset import InfiniteSampler
from mmseg.registry import DATA_SAMPLERS

from mmseg_custom.datasets.samplers.seeded_sampler import SampleKey


@DATA_SAMPLERS.register_module()
class SeededInfiniteSampler(InfiniteSampler):
    """MMEngine's sampler for loops over iterations, yielding :class:`SampleKey` for bare indices.

    It yields what ``InfiniteSampler`` yields, in the same order: one permutation after another, batches reaching over
    their ends. A sample's randomness is a function of seed, number of the permutation and index, so that a resumed
    run sees what an uninterrupted one sees, whatever the number of workers. Arguments as ``InfiniteSampler``.
    """

    _first = 0

    def skip(self, num_samples: int) -> None:
        """Start behind this rank's first ``num_samples`` samples the next time, counted from the very first."""
        self._first = num_samples

    def __iter__(self) -> Iterator[SampleKey]:
        """Iterate the keys of this rank's samples."""
        start, self._first = self.rank + self._first * self.world_size, 0
        yield from islice(self._keys(), start, None, self.world_size)

    def _keys(self) -> Iterator[SampleKey]:
        generator = torch.Generator()
        generator.manual_seed(self.seed)
        epoch = 0
        while True:
            order = torch.randperm(self.size, generator=generator) if self.shuffle else torch.arange(self.size)
            yield from (SampleKey(self.seed, epoch, index) for index in order.tolist())
            epoch += 1
