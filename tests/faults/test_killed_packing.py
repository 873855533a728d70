"""`prepare_data.py --pack`, killed again and again: what is packed is right, and the next call completes it."""

import multiprocessing
import os
import random
import runpy
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest
import torch
from kill_harness import members
from mmengine.config import Config
from mmseg.registry import DATASETS

from mmseg_custom.datasets import SampleKey
from mmseg_custom.datasets.packed import pack as packing
from mmseg_custom.datasets.prepare import prepare

TOOLS = Path(__file__).resolve().parents[2] / 'tools'
FORK = multiprocessing.get_context('fork')
KILLS = 6


def pack(config, workers):
    """Run the tool as the first process of a group; a shard holds one sample."""
    os.setsid()
    packing.SHARD_BYTES = 1
    sys.path.insert(0, str(TOOLS))
    options = [f'{loader}.dataset.packed=packed' for loader in packing.LOADERS]
    sys.argv = ['prepare_data.py', str(config), '--pack', '--workers', str(workers), '--cfg-options', *options]
    runpy.run_path(str(TOOLS / 'prepare_data.py'), run_name='__main__')


def run(config, workers, kill_at=None, kill=os.killpg):
    """Pack in a process of its own, killed when so many shards are there; its exit code."""
    process = FORK.Process(target=pack, args=(config, workers))
    process.start()
    while process.is_alive() and (kill_at is None or len(list(Path('packed').rglob('*.bin'))) < kill_at):
        time.sleep(0.001)
    while process.is_alive() and not members(process.pid):
        time.sleep(0.01)  # It is not the first of its group yet.
    if process.is_alive():
        kill(process.pid, signal.SIGKILL)
    process.join()
    end = time.monotonic() + 20
    while (left := members(process.pid)) and time.monotonic() < end:
        time.sleep(0.01)
    if left:
        os.killpg(process.pid, signal.SIGKILL)
    assert not left, 'its workers have outlived it'
    return process.exitcode


def samples(cfg, packed):
    """All training and validation samples, and how many of them are packed."""
    loaded, ready = [], 0
    for loader in ('train_dataloader', 'val_dataloader'):
        dataset = DATASETS.build({**cfg[loader].dataset, 'packed': packed})
        loaded += [dataset[SampleKey(42, 3, index)] for index in range(len(dataset))]
        ready += len(dataset.store or ())
    return loaded, ready


@pytest.mark.parametrize('workers', [1, 2])
def test_killed_at_random_moments_it_packs_nothing_wrong_and_completes(tiny_recipe, workers):
    config = tiny_recipe / 'tiny_stage1.py'
    cfg = Config.fromfile(config)
    prepare(cfg)
    plain, _ = samples(cfg, None)
    generator, started = random.Random(workers), 0
    for _ in range(KILLS):
        code = run(config, workers, generator.randrange(len(plain)), generator.choice((os.killpg, os.kill)))
        assert code in (0, -signal.SIGKILL)
        packed, ready = samples(cfg, 'packed')
        assert_same(packed, plain)
        started += 0 < ready < len(plain)
        if ready == len(plain):
            shutil.rmtree('packed')
    assert started
    assert run(config, workers) == 0
    packed, ready = samples(cfg, 'packed')
    assert_same(packed, plain)
    assert ready == len(plain)
    assert not list(Path('packed').rglob('.*'))


def assert_same(packed, plain):
    assert len(packed) == len(plain) > 10
    for ours, theirs in zip(packed, plain, strict=True):
        assert torch.equal(ours['inputs'], theirs['inputs'])
        assert torch.equal(ours['data_samples'].gt_sem_seg.data, theirs['data_samples'].gt_sem_seg.data)
