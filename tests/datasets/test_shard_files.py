"""Packed samples that are not on a local disk."""

import pickle
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import torch
from counting_backend import PREFIX, reads
from mmengine.runner import Runner
from packed_scenes import IMAGE_AND_LABEL, assert_all_same, assert_same, build

from mmseg_custom.datasets import SampleKey
from mmseg_custom.datasets.packed.pack import PackError, pack


def shards(suffix='.bin'):
    return [name for _, name in reads(suffix)]


def test_every_shard_is_fetched_once_and_its_samples_are_those_of_the_files(far_cfg, said):
    dataset = build(far_cfg)
    assert sorted(shards('.json')) == [*(f'shard_0000{number}.json' for number in range(4)), 'shards.json']
    assert len(dataset.store) == 10
    assert dataset.shard_numbers.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3]
    assert_all_same(dataset, build(far_cfg, packed=None))
    assert shards() == [f'shard_0000{number}.bin' for number in range(4)]
    assert_all_same(dataset, build(far_cfg, packed=None))
    assert not shards()
    assert not said


def test_only_the_shards_used_last_are_kept(far_cfg):
    dataset = build(far_cfg, open_shards=2)
    for index, fetched in [(0, [0]), (3, [1]), (1, []), (6, [2]), (2, []), (4, [1]), (9, [3]), (5, []), (0, [0])]:
        dataset[SampleKey(0, 0, index)]
        assert shards() == [f'shard_0000{number}.bin' for number in fetched], index
    content = sum(shard.content.nbytes for shard in dataset.store.shards._opened.values())
    assert content == (3 + 3) * IMAGE_AND_LABEL


def test_a_local_folder_is_mapped_and_nothing_of_it_fetched(far_cfg):
    dataset = build(far_cfg, packed='packed', open_shards=1)
    assert_all_same(dataset, build(far_cfg, packed=None))
    assert len(dataset.store.shards._opened) == 4
    assert not reads('')


def test_a_fold_has_the_shards_that_its_samples_lie_in(far_cfg):
    train, val = build(far_cfg, fold=2), build(far_cfg, fold=2, part='val')
    every = {name: number for number, name in zip(build(far_cfg).shard_numbers, names(build(far_cfg)), strict=True)}
    for part in (train, val):
        used = sorted({every[name] for name in names(part)})
        assert part.shard_numbers.tolist() == [used.index(every[name]) for name in names(part)]


def names(dataset):
    return [dataset.name_of(dataset.get_data_info(index)) for index in range(len(dataset))]


@pytest.mark.parametrize('lost', ['shard_00001.bin', 'shard_00001.json'])
def test_a_missing_shard_is_said_once_and_its_files_are_read(far_cfg, shard_folder, said, lost):
    (shard_folder / lost).unlink()
    dataset = build(far_cfg)
    assert_all_same(dataset, build(far_cfg, packed=None))
    assert shards(lost) == [lost]
    assert len([message for message in said if lost in message and 'FileNotFoundError' in message]) == 1
    assert len(dataset.store) == 7


def damage(path):
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)


def cut(path):
    path.write_bytes(path.read_bytes()[:-50])


@pytest.mark.parametrize('harm', [damage, cut])
@pytest.mark.parametrize('harmed', ['shard_00001.bin', 'shard_00001.json', 'shards.json'])
def test_a_damaged_store_gives_no_wrong_sample(far_cfg, shard_folder, said, harm, harmed):
    harm(shard_folder / harmed)
    dataset = build(far_cfg)
    assert_all_same(dataset, build(far_cfg, packed=None))
    assert any(harmed in message for message in said)
    assert len(dataset.store) == {'shard_00001.bin': 9, 'shard_00001.json': 7, 'shards.json': 0}[harmed]


def test_a_shard_that_is_fetched_again_is_proven_again(far_cfg, shard_folder, said):
    dataset = build(far_cfg, open_shards=1)
    dataset[SampleKey(0, 0, 0)]
    damage(shard_folder / 'shard_00000.bin')
    dataset[SampleKey(0, 0, 3)]
    assert_same(dataset[SampleKey(0, 0, 0)], build(far_cfg, packed=None)[SampleKey(0, 0, 0)])
    assert ['damage at' in message for message in said] == [True]


def test_a_data_set_can_be_sent_without_its_shards(far_cfg):
    dataset = build(far_cfg)
    closed = len(pickle.dumps(dataset))
    assert_all_same(dataset, build(far_cfg, packed=None))
    sent = pickle.dumps(dataset)
    assert len(sent) <= closed
    reads()
    assert_all_same(pickle.loads(sent), build(far_cfg, packed=None))
    assert len(shards()) == 4


def test_two_workers_fetch_for_themselves(far_cfg):
    batches = []
    for packed in (None, f'{PREFIX}packed'):
        loader = {**far_cfg.train_dataloader, 'num_workers': 2, 'batch_size': 1}
        loader['dataset'] = {**loader['dataset'], 'packed': packed}
        batches.append([batch['inputs'][0] for batch in Runner.build_dataloader(loader, seed=3)])
    assert len(batches[0]) == 10
    assert all(torch.equal(*pair) for pair in zip(*batches, strict=True))
    fetched = reads()
    assert len({process for process, _ in fetched}) == 2
    assert len(fetched) == len(set(fetched))


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        """Say nothing."""


def test_a_web_server_that_lists_no_folder_will_do(far_cfg, shard_folder, monkeypatch):
    monkeypatch.setenv('no_proxy', '127.0.0.1')
    server = ThreadingHTTPServer(('127.0.0.1', 0), QuietHandler)
    Thread(target=server.serve_forever, daemon=True).start()
    (shard_folder / 'shard_00002.bin').unlink()
    dataset = build(far_cfg, packed=f'http://127.0.0.1:{server.server_port}/packed/')
    assert len(dataset.store) == 10
    assert_all_same(dataset, build(far_cfg, packed=None))
    assert len(dataset.store) == 7
    server.shutdown()
    server.server_close()


def test_another_size_than_packed_is_read_from_files(far_cfg, said):
    load = [dict(step, scale=(32, 16)) if step['type'] == 'Resize' else step for step in far_cfg.load]
    assert_all_same(
        build(far_cfg, pipeline=[*load, *far_cfg.pack]), build(far_cfg, pipeline=[*load, *far_cfg.pack], packed=None)
    )
    assert 'shards.json cannot be used (FileNotFoundError' in said[0]


def test_no_open_shard_is_too_few(far_cfg):
    with pytest.raises(ValueError, match='open_shards=0'):
        build(far_cfg, open_shards=0)


def test_nothing_is_packed_to_elsewhere(far_cfg):
    with pytest.raises(PackError, match=r"packed='counting://packed' of train_dataloader is not on a local disk"):
        pack(far_cfg)
