"""Many epochs and many folds leave nothing behind but what is to be kept.

What a run keeps grows by a few lines an epoch, by design: its log, ``vis_data/scalars.json``, and its history.
"""

import gc
import resource
from pathlib import Path

import pytest
from mmengine.hooks import Hook

from mmseg_custom.config import load_run_config
from mmseg_custom.datasets.prepare import prepare
from mmseg_custom.engine.stage_runner import build_runner
from mmseg_custom.launchers.local_pool import LocalPool
from mmseg_custom.ledger.stage_ledger import StageLedger
from mmseg_custom.plan.plan import Plan
from mmseg_custom.plan.recipe import Recipe
from street_scenes import write_dataset

PAGE = resource.getpagesize()
MEGABYTE = 2**20
# Beyond it a leak shows; below it the allocator settles. 500 epochs and 200 folds must stay below it as well.
ROOM = 24 * MEGABYTE


def memory():
    """Resident memory of this process in bytes."""
    gc.collect()
    return int(Path('/proc/self/statm').read_text().split()[1]) * PAGE


def open_files():
    return len(list(Path('/proc/self/fd').iterdir()))


def files_in(folder):
    return {path.relative_to(folder).as_posix() for path in Path(folder).rglob('*') if path.is_file()}


class Footprint(Hook):
    """Measures memory, open files and files in the folder of the run behind every epoch."""

    priority = 'LOWEST'

    def __init__(self):
        self.measured = []

    def after_val_epoch(self, runner, metrics=None):
        lengths = [len(buffer.data[0]) for buffer in runner.message_hub.log_scalars.values()]
        self.measured.append((memory(), open_files(), len(files_in(runner.work_dir)), max(lengths)))


def assert_no_growth(measured, warm_up):
    memories, *counts = zip(*measured[warm_up:], strict=True)
    assert memories[-1] - memories[0] < ROOM, [value // MEGABYTE for value in memories]
    for values in counts:
        assert max(values) <= values[0] + 1, values


@pytest.mark.parametrize('epochs', [20, pytest.param(500, marks=pytest.mark.slow)])
def test_epochs_leave_nothing_behind(tiny_recipe, monkeypatch, epochs):
    monkeypatch.setattr('mmseg_custom.engine.history.LOG_WINDOW', 12)
    options = {'train_cfg.max_epochs': epochs, 'train_dataloader.batch_size': 5, 'train_dataloader.num_workers': 0}
    cfg = load_run_config(tiny_recipe / 'tiny_stage1.py', cfg_options=options)
    prepare(cfg)
    runner = build_runner(cfg)
    footprint = Footprint()
    runner.register_hook(footprint)
    runner.train()
    assert len(footprint.measured) == epochs
    assert_no_growth(footprint.measured, warm_up=8)
    names = files_in('work_dirs/tiny_stage1')
    assert sorted(name for name in names if name.endswith('.pth')) == [
        f'best_mIoU_epoch_{epochs}.pth',
        f'epoch_{epochs}.pth',
    ]
    assert len(names) < 12, names


@pytest.fixture
def many_folds(tiny_recipe, tmp_path):
    """A function that makes a recipe whose second stage has as many folds as asked for, an epoch each."""

    def many_folds(folds, jobs):
        (tmp_path / 'data').unlink()
        write_dataset(tmp_path / 'data', train=max(folds, 10), val=1, height=32, width=64)
        for path in tiny_recipe.glob('*.py'):
            text = path.read_text().replace('max_epochs=2', 'max_epochs=1')
            path.write_text(text.replace('batch_size=4', 'batch_size=100'))
        return Recipe(Plan(tiny_recipe, {'num_folds': folds}), LocalPool(jobs), lambda line: None)

    return many_folds


@pytest.mark.parametrize('folds', [10, pytest.param(200, marks=pytest.mark.slow)])
def test_folds_leave_nothing_behind(many_folds, folds):
    recipe = many_folds(folds, jobs=2)
    recipe.run(stages={1})
    recipe.run(stages={2}, folds={1, 2})
    before = memory(), open_files()
    recipe.run(stages={2}, folds=set(range(1, folds)))
    assert memory() - before[0] < ROOM
    assert open_files() <= before[1] + 1
    recipe.run(stages={2})
    ledger = StageLedger('work_dirs/tiny/stage2')
    assert len(ledger.finished_runs()) == folds
    assert len(ledger.outcome()['runs']) == folds
    of_a_fold = [len(files_in(f'work_dirs/tiny_stage2_fold{fold}')) for fold in (1, folds - 1, folds)]
    assert len(set(of_a_fold)) == 1
    leftovers = [name for name in files_in('work_dirs') if name.endswith(('.tmp', '.lease'))]
    assert not leftovers
    expected = {f'fold{fold}.{kind}' for fold in range(1, folds + 1) for kind in ('json', 'pth')}
    expected |= {'all_folds.pth', 'top3.pth', 'stage.json', 'winner.pth'}
    assert files_in(ledger.folder) - {'fusing.log'} == expected
