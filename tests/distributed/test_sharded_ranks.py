"""The shards of a store, dealt to two processes."""

import numpy as np
from mmengine.dist import get_rank
from ranks import run_ranks
from torch.utils.data import DataLoader

from mmseg_custom.datasets import ShardedSampler


class Images(list):
    """A data set whose second process lacks a shard, as one whose index it could not read."""

    open_shards = 2

    def __init__(self):
        super().__init__(range(40))
        self.shard_numbers = np.arange(40) // 5
        if get_rank() == 1:
            self.shard_numbers[10:15] = -1


def deal():
    dataset = Images()
    sampler = ShardedSampler(dataset, seed=1)
    order = sampler.serve(DataLoader(dataset, 4, sampler=sampler, num_workers=2))
    return [key.index for key in sampler], order


def test_two_processes_read_shards_of_their_own_whatever_each_of_them_sees():
    (first, order), (second, other) = run_ranks(deal)
    assert sorted(first + second) == list(range(40))
    assert {index // 5 for index in first}.isdisjoint(index // 5 for index in second)
    assert order == other
