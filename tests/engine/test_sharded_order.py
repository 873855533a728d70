"""Runs whose workers read shards of their own, interrupted within an epoch."""

from types import SimpleNamespace

import pytest
from interrupted_runs import assert_same, make_config, state, train
from mmengine.logging import MessageHub

from mmseg_custom.datasets.packed import pack as packing
from mmseg_custom.engine import ResumeError
from mmseg_custom.engine.train_loop import SAMPLE_ORDER, ResumableTrainLoop


@pytest.fixture
def cfg(place, monkeypatch):
    monkeypatch.setattr(packing, 'SHARD_BYTES', 2 * 64 * 32 * 4)
    options = {f'{loader}.dataset.packed': 'packed' for loader in packing.LOADERS}
    options |= {'train_dataloader.sampler.type': 'ShardedSampler', 'train_dataloader.dataset.open_shards': 1}
    options |= {'default_hooks.checkpoint.interval_iters': 1, 'train_cfg.max_epochs': 2}
    cfg = make_config('cosine', workers=2, **options)
    cfg.val_dataloader.update(num_workers=0, persistent_workers=False)
    packing.pack(cfg)
    return cfg


def test_resumed_equals_uninterrupted_and_another_order_is_refused(cfg):
    whole = state(train(cfg)[0])
    cfg.work_dir = 'work_dirs/cut'
    assert train(cfg, ('after_train_iter', 4))[1]
    cfg.train_dataloader.update(num_workers=0, persistent_workers=False)
    with pytest.raises(ResumeError, match=r'take back the change of processes, workers.*move the files iter_\*'):
        train(cfg, resume=True)
    cfg.train_dataloader.update(num_workers=2, persistent_workers=True)
    assert_same(state(train(cfg, resume=True)[0]), whole)


@pytest.mark.parametrize(('iterations', 'is_refused'), [(0, False), (1, True), (2, True), (3, False)])
def test_another_order_is_refused_only_within_an_epoch(iterations, is_refused):
    hub = MessageHub('order')
    hub.update_info(SAMPLE_ORDER, 'another')
    loop = FinishedLoop(iterations, hub)
    if is_refused:
        with pytest.raises(ResumeError, match='packed store'):
            loop.run()
    else:
        loop.run()
        assert hub.get_info(SAMPLE_ORDER) == 'this'


class FinishedLoop(ResumableTrainLoop):
    """A loop over no epoch, whose loader has 3 batches."""

    _epoch = _max_epochs = stop_training = 0

    def __init__(self, iterations, hub):
        self._iter, self.dataloader = iterations, Batches(range(3))
        self._runner = SimpleNamespace(message_hub=hub, work_dir='work', call_hook=lambda *_: None, model=None)


class Batches(list):
    sampler = SimpleNamespace(serve=lambda loader: 'this', skip_in_epoch=None)
