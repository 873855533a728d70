from itertools import chain, islice
from unittest.mock import patch

import numpy as np
import pytest
from counting_backend import PREFIX, reads
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.runner import Runner
from packed_scenes import IMAGE_AND_LABEL, build, make_config
from torch.utils.data import DataLoader

from mmseg_custom.datasets import ShardedSampler
from mmseg_custom.datasets.packed import pack as packing
from mmseg_custom.datasets.packed.pack import pack

WAYS = settings(max_examples=150, deadline=None)


class Images(list):
    """A data set of which only the shards matter."""

    def __init__(self, shards, open_shards=2):
        super().__init__(range(len(shards)))
        self.shard_numbers, self.open_shards = np.array(shards), open_shards


def make_sampler(dataset, loader, rank=0, ranks=1, epoch=0, **options):
    """The sampler of a rank, which serves a loader of a batch size and a number of workers."""
    with patch('mmengine.dataset.sampler.get_dist_info', return_value=(rank, ranks)):
        sampler = ShardedSampler(dataset, seed=3, **options)
    batch_size, workers = loader
    sampler.serve(DataLoader(dataset, batch_size, sampler=sampler, num_workers=workers))
    sampler.set_epoch(epoch)
    return sampler


def indices(sampler):
    return [key.index for key in sampler]


@st.composite
def cases(draw):
    """Shards of any sizes in any order, -1 for files, and any readers."""
    sizes = draw(st.lists(st.integers(1, 7), min_size=1, max_size=9))
    shards = np.repeat(np.arange(len(sizes)) - draw(st.integers(0, 1)), sizes)
    shards = np.random.default_rng(draw(st.integers(0, 99))).permutation(shards)
    dataset = Images(shards, draw(st.integers(1, 4)))
    loader = draw(st.integers(1, 5)), draw(st.integers(0, 3))
    return dataset, loader, draw(st.integers(1, 4)), draw(st.integers(0, 5)), draw(st.booleans())


def orders_of(case, **options):
    dataset, loader, ranks, epoch, shuffle = case
    options = {'epoch': epoch, 'shuffle': shuffle, **options}
    return [indices(make_sampler(dataset, loader, rank, ranks, **options)) for rank in range(ranks)]


def without_repeats(orders, size):
    """Each rank's samples but for the one that MMSegmentation's rule counts as a repeat."""
    return [
        [index for place, index in enumerate(order) if place * len(orders) + rank < size]
        for rank, order in enumerate(orders)
    ]


def read_by(orders, loader):
    """The samples of each worker of each rank, in the order in which PyTorch's loader asks for them."""
    batch_size, workers = loader[0], max(1, loader[1])
    readers = [[[] for _ in range(workers)] for _ in orders]
    for rank, order in enumerate(orders):
        for place, index in enumerate(order):
            readers[rank][place // batch_size % workers].append(index)
    return [reader for rank in readers for reader in rank if reader]


@WAYS
@given(cases())
def test_every_sample_comes_once_and_ranks_get_equally_many(case):
    dataset, ranks = case[0], case[2]
    orders = orders_of(case)
    assert {len(order) for order in orders} == {-(-len(dataset) // ranks)}
    assert sorted(chain(*without_repeats(orders, len(dataset)))) == list(dataset)
    assert orders == orders_of(case)
    short = orders_of(case, round_up=False)
    assert short == without_repeats(orders, len(dataset))


@WAYS
@given(cases())
def test_two_readers_share_at_most_the_shard_between_them_and_fetch_each_once(case):
    dataset, loader = case[:2]
    readers = read_by(orders_of(case), loader)
    fetched = [[dataset.shard_numbers[index] for index in reader] for reader in readers]
    own = [set(shards) for shards in fetched]
    assert sum(map(len, own)) <= len(set(dataset.shard_numbers)) + len(readers) - 1
    assert all(len(first & second) <= 1 for place, first in enumerate(own) for second in own[:place])
    for shards, once in zip(fetched, own, strict=True):
        assert count_fetches(shards, dataset.open_shards) == len(once)


def count_fetches(shards, keep):
    """How often a shard is fetched where the last few that were used are kept."""
    kept, count = [], 0
    for shard in shards:
        count += shard not in kept
        kept = [*(other for other in kept if other != shard), shard][-keep:]
    return count


@WAYS
@given(cases(), st.integers(0, 70))
def test_skipping_leaves_out_the_first_and_only_once(case, count):
    dataset, loader, ranks, epoch, shuffle = case
    sampler = make_sampler(dataset, loader, ranks - 1, ranks, epoch, shuffle=shuffle)
    whole = list(sampler)
    sampler.skip_in_epoch(count)
    assert list(sampler) == list(islice(whole, count, None))
    assert list(sampler) == whole
    assert {(key.seed, key.epoch) for key in whole} == {(3, epoch)}


def test_workers_take_turns_with_the_batches_of_their_shards():
    dataset = Images([0, 1] * 4, open_shards=1)
    order = dataset.shard_numbers[indices(make_sampler(dataset, (2, 2)))].tolist()
    assert order in ([0, 0, 1, 1, 0, 0, 1, 1], [1, 1, 0, 0, 1, 1, 0, 0])
    assert indices(make_sampler(dataset, (2, 2), shuffle=False)) == [0, 2, 1, 3, 4, 6, 5, 7]
    assert indices(make_sampler(dataset, (2, 0), shuffle=False)) == [0, 2, 4, 6, 1, 3, 5, 7]


def test_without_a_loader_to_serve_each_rank_has_shards_of_its_own():
    dataset = Images([0, 1, 2, 3] * 3)
    with patch('mmengine.dataset.sampler.get_dist_info', return_value=(1, 2)):
        sampler = ShardedSampler(dataset, seed=3, shuffle=False)
    assert indices(sampler) == [2, 6, 10, 3, 7, 11]


def test_samples_of_shards_that_are_open_together_are_mixed():
    """Of two open shards a half of the neighbours are of different ones, of one at a time a single pair is."""
    changes = {}
    for open_shards in (1, 2):
        dataset = Images([0] * 200 + [1] * 200, open_shards)
        shards = dataset.shard_numbers[indices(make_sampler(dataset, (4, 0)))]
        changes[open_shards] = np.count_nonzero(np.diff(shards))
    assert changes[1] == 1
    assert 150 < changes[2] < 250


def test_every_epoch_has_an_order_of_its_own_of_shards_and_samples():
    dataset = Images(np.arange(60) // 6)
    orders = [indices(make_sampler(dataset, (4, 2), epoch=epoch)) for epoch in range(3)]
    assert len({tuple(order) for order in orders}) == 3
    assert len({tuple(sorted(order[:4])) for order in orders}) == 3
    dealt = {frozenset(dataset.shard_numbers[read_by([order], (4, 2))[0]]) for order in orders}
    assert len(dealt) == 3
    without_store = Images([-1] * 60)
    first = [set(indices(make_sampler(without_store, (4, 2), epoch=epoch))[:4]) for epoch in range(3)]
    assert len(set.union(*first)) > 8


def test_what_the_order_depends_on_is_told_apart():
    def told(shards, keep, batch, workers, ranks, rank=0):
        dataset = Images(shards, keep)
        return make_sampler(dataset, (1, 1), rank, ranks).serve(DataLoader(dataset, batch, num_workers=workers))

    cases = {
        told(*case)
        for case in [
            ([0, 0, 1, 1], 2, 2, 2, 1),
            ([0, 0, 1, 1], 2, 2, 2, 2),
            ([0, 0, 1, 1], 2, 2, 3, 1),
            ([0, 0, 1, 1], 2, 1, 2, 1),
            ([0, 0, 1, 1], 1, 2, 2, 1),
            ([0, 1, 1, 1], 2, 2, 2, 1),
        ]
    }
    assert len(cases) == 6
    assert told([0, 0, 1, 1], 2, 2, 2, 2, rank=1) in cases


@pytest.mark.parametrize('fold', [None, 2])
def test_two_workers_fetch_each_shard_once_an_epoch(tiny_recipe, scenes, tmp_path, monkeypatch, fold):
    """Ten samples in five shards: the one in which the line is cut in two may be fetched by both."""
    monkeypatch.setattr(packing, 'SHARD_BYTES', 2 * IMAGE_AND_LABEL)
    cfg = make_config(tiny_recipe, scenes, tmp_path)
    pack(cfg)
    loader = {**cfg.train_dataloader, 'batch_size': 1, 'num_workers': 2, 'persistent_workers': True}
    loader['dataset'] = {**loader['dataset'], 'packed': f'{PREFIX}packed', 'open_shards': 1, 'fold': fold}
    loader = Runner.build_dataloader({**loader, 'sampler': {'type': 'ShardedSampler'}}, seed=3)
    loader.sampler.serve(loader)
    size = len(build(cfg, fold=fold, packed=None))
    for epoch in range(3):
        reads()
        loader.sampler.set_epoch(epoch)
        images = [sample.img_path for batch in loader for sample in batch['data_samples']]
        assert len(images) == len(set(images)) == size
        fetched = reads()
        assert len(fetched) == len(set(fetched)) <= 5 + 1
        assert len({process for process, _ in fetched}) == 2
