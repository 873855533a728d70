"""How fast the loader delivers, in seconds a sample, beside what the network needs for one."""

import time
from collections.abc import Iterator
from functools import partial

from mmengine.runner import Runner

from benchmarks.frame import Case, Contender, Measure, Trial
from benchmarks.options import Options
from benchmarks.peers.client import Peers
from benchmarks.rows.training_step import Step, Variant
from benchmarks.street_data import data_config

BATCH, BATCHES, PREFETCHED = 2, 16, 2


def cases(options: Options, peers: Peers) -> Iterator[Case]:
    work = 'one sample of a stream of batches, augmentation advanced, 2 workers, against a step of the network'
    yield Case('loader', work, lambda: build(options), rounds=3)
    for workers in (0, 1, 2):
        yield Case('loader', work, partial(build_growth, options, workers), axis='workers', value=workers, rounds=3)


def build(options: Options) -> Trial:
    step = Step(options, BATCH, Variant('fp32'))
    contenders = [
        Contender('training step, an image', 'floor', lambda: step.measure() / BATCH),
        Contender('packed store, 2 workers', 'ours', delivery(options, 2)),
        Contender('from the files, 2 workers', 'twin', delivery(options, 2, packed=False)),
    ]
    return Trial(contenders, lambda: None)


def build_growth(options: Options, workers: int) -> Trial:
    contender = Contender('packed store', 'ours', delivery(options, workers))
    return Trial([contender], lambda: None)


def delivery(options: Options, workers: int, packed: bool = True) -> Measure:
    """Seconds a sample of the recipe's loader, once its workers run and what they fetched ahead is gone."""
    cfg = data_config(options, 'advanced', packed).train_dataloader
    cfg.update(batch_size=BATCH, num_workers=workers, persistent_workers=False, sampler={'type': 'InfiniteSampler'})

    def measure() -> float:
        batches = iter(Runner.build_dataloader(cfg, seed=0))
        for _ in range(1 + PREFETCHED * workers):
            next(batches)
        started = time.perf_counter()
        for _ in range(BATCHES):
            next(batches)
        return (time.perf_counter() - started) / (BATCHES * BATCH)

    return measure
