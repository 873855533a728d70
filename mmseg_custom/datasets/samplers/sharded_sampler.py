"""A sampler for packed samples that are far away: whoever reads a shard reads all of it."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from mmengine.dist import broadcast_object_list
from mmseg.registry import DATA_SAMPLERS
from torch.utils.data import DataLoader

from mmseg_custom.datasets.folds.kfold_dataset import KFoldDataset
from mmseg_custom.datasets.samplers.seeded_sampler import SeededSampler
from mmseg_custom.io.files import hash_text


@DATA_SAMPLERS.register_module()
class ShardedSampler(SeededSampler):
    """Deals the shards of a packed store to the ranks, and those of a rank to its workers.

    An epoch lines the shards up in random order and cuts the line into one piece a worker, so that only the shards
    at the cuts are read by two. A worker shuffles the samples of ``dataset.open_shards`` shards together. Samples
    that are read from files count as one more shard.

    The order is a function of (seed, epoch) and of who reads what: the shards, ranks, workers and batch size.
    PyTorch's loader gives batch b to worker b modulo their number.
    :class:`~mmseg_custom.engine.train_loop.ResumableTrainLoop` tells the sampler which loader it serves; where nobody
    does, as in validation, the workers of a rank share its shards.

    Args:
        dataset: As :class:`KFoldDataset`: has ``shard_numbers`` and ``open_shards``.
        **kwargs: As :class:`SeededSampler`. ``shuffle=False`` takes shards and samples in their order.
    """

    def __init__(self, dataset: KFoldDataset, **kwargs: Any) -> None:
        super().__init__(dataset, **kwargs)
        shared = [dataset.shard_numbers]
        broadcast_object_list(shared)
        self._shards: np.ndarray = shared[0]
        self._batch_size, self._workers = len(dataset), 1

    def serve(self, loader: DataLoader) -> str:
        """Deal for the workers of a loader from the next epoch on.

        Returns:
            What the order depends on besides seed and epoch, as a checksum.
        """
        self._batch_size, self._workers = loader.batch_size, max(1, loader.num_workers)
        numbers = (self.world_size, self._workers, self._batch_size, self.dataset.open_shards)
        return hash_text(f'{numbers} {self._shards.tolist()}')

    def _indices(self) -> Iterable[int]:
        rng = np.random.default_rng((self.seed, self.epoch)) if self.shuffle else None
        dealt = deal(self._shards, self._readers(), self.dataset.open_shards, rng)
        return dealt[self.rank, : self.num_samples].tolist()

    def _readers(self) -> np.ndarray:
        rank, place = np.indices((self.world_size, -(-len(self._shards) // self.world_size)))
        return rank * self._workers + place // self._batch_size % self._workers


def deal(shards: np.ndarray, readers: np.ndarray, together: int, rng: np.random.Generator | None) -> np.ndarray:
    """Give every reader samples of as few shards as possible.

    Places are filled across ranks, as MMEngine does: if there are more of them than samples, the last place of the
    last ranks repeats a sample of its reader.

    Args:
        shards: The shard of each sample, of shape (N,).
        readers: Who reads at the places of each rank, of shape (ranks, ceil(N / ranks)); numbers of any size.
        together: Number of shards among which a reader shuffles.
        rng: Where the order comes from; ``None`` for samples shard by shard as they come.

    Returns:
        Indices of samples, of the shape of ``readers``.
    """
    rank, place = np.indices(readers.shape)
    places = np.argsort(readers, axis=None, kind='stable')
    is_filled = (place * len(readers) + rank < len(shards)).ravel()[places]
    order = line_up(shards, readers.ravel()[places][is_filled], together, rng)
    dealt = np.empty(readers.size, np.int64)
    dealt[places] = order[np.maximum(np.cumsum(is_filled) - 1, 0)]
    return dealt.reshape(readers.shape)


def line_up(shards: np.ndarray, readers: np.ndarray, together: int, rng: np.random.Generator | None) -> np.ndarray:
    """Samples shard by shard, the shards in random order, then shuffled among the next few shards of a reader.

    Args:
        shards: The shard of each sample, of shape (N,).
        readers: Who reads at the places of the line, of shape (N,), in ascending order.
        together: As in :func:`deal`.
        rng: As in :func:`deal`.

    Returns:
        Indices of samples, of shape (N,).
    """
    if rng is None:
        return np.argsort(shards, kind='stable')
    _, shards = np.unique(shards, return_inverse=True)
    line = np.lexsort((rng.permutation(len(shards)), rng.permutation(shards.max() + 1)[shards]))
    runs = np.cumsum(np.diff(shards[line], prepend=-1) != 0)
    first_run = np.maximum.accumulate(np.where(np.diff(readers, prepend=-1) != 0, runs, 0))
    windows = (runs - first_run) // together
    return line[np.lexsort((rng.permutation(len(shards)), windows, readers))]
