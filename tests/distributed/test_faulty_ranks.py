"""What one of two processes meets, a broken file or a loss that is not finite, is the matter of both."""

import shutil
from pathlib import Path

import pytest
import torch
from mmengine.dist import get_rank, get_world_size
from mmengine.hooks import Hook
from ranks import run_ranks

from mmseg_custom.config import load_run_config
from mmseg_custom.datasets.prepare import prepare
from mmseg_custom.engine.stage_runner import build_runner
from mmseg_custom.io.checkpoints.checkpoint_file import load_weights
from mmseg_custom.ledger.stage_ledger import StageLedger

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
SKIP = {f'{loader}.dataset.on_bad_sample': 'skip' for loader in LOADERS}
SMOOTH = {
    'model.decode_head.aspp_dropout_ratio': 0.0,
    'optim_wrapper.optimizer': {'type': 'SGD', 'lr': 0.05, 'momentum': 0.9, '_delete_': True},
}


class PoisonRank(Hook):
    """Makes the network of one rank infinite before its second step."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if (get_rank(), runner.iter) == (1, 1):
            runner.model.module.decode_head.conv_seg.weight.data[0] = torch.inf


def make_config(**options):
    folder = f'work_dirs/run_{get_world_size()}'
    stage = {'default_hooks.fold_average.stage_dir': f'{folder}_stage'}
    return load_run_config('recipe/tiny_stage1.py', folder, SMOOTH | stage | options)


def train(*hooks, **options):
    cfg = make_config(**options)
    cfg.launcher = 'pytorch' if get_world_size() > 1 else 'none'
    runner = build_runner(cfg)
    for hook in hooks:
        runner.register_hook(hook)
    runner.train()


@pytest.fixture
def images(tiny_recipe, scenes):
    """The images of a copy of the scenes that a test may damage, by split."""
    Path('data').unlink()
    shutil.copytree(scenes, 'data')
    prepare(make_config())
    return {split: sorted(Path('data/leftImg8bit', split).glob('*/*.png')) for split in ('train', 'val')}


def test_two_processes_skip_and_report_what_one_does(images):
    images['train'][3].write_bytes(images['train'][3].read_bytes()[:-30])
    images['train'][6].write_bytes(b'')
    images['val'][1].write_bytes(b'')
    train(**SKIP)
    assert run_ranks(train, **SKIP) == [None, None]
    one, two = (StageLedger(f'work_dirs/run_{size}_stage') for size in (1, 2))
    skipped = one.entry('full')['skipped']
    bad = [str(images['train'][3]), str(images['train'][6]), str(images['val'][1])]
    assert {record['file'] for record in skipped} == set(bad)
    assert sorted(two.entry('full')['skipped'], key=str) == sorted(skipped, key=str)
    whole, shared = (load_weights(ledger.weights_path('full')) for ledger in (one, two))
    assert max(float((shared[key] - value).abs().max()) for key, value in whole.items()) < 5e-6
    assert two.entry('full')['val'] == pytest.approx(one.entry('full')['val'], rel=1e-4, nan_ok=True)


def test_divergence_of_one_process_ends_both_and_the_main_one_records_it(images):
    main, other = run_ranks(train, PoisonRank())
    for message in (main, other):
        assert message.startswith('DivergenceError: Training has diverged in epoch 1: the loss of iteration 2')
    ledger = StageLedger('work_dirs/run_2_stage')
    assert main != other  # Each names its own images.
    assert ledger.failures(['full']) == {'full': main.removeprefix('DivergenceError: ')}
    assert ledger.entry('full') is None
