"""A run whose numbers are no longer finite ends, leaves only good files, and enters no average."""

import json
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook
from tiny_stage import load_run
from torch import nn

from mmseg_custom.datasets.prepare import prepare
from mmseg_custom.engine.stage_runner import build_runner
from mmseg_custom.errors import StageError
from mmseg_custom.fusion.average_files import fuse_folder
from mmseg_custom.hooks.divergence_hook import DivergenceError, non_finite_entries
from mmseg_custom.io.checkpoints.checkpoint_file import load_checkpoint_file, load_weights
from mmseg_custom.ledger.stage_ledger import StageLedger

WORK_DIR = Path('work_dirs/tiny_stage1')
ALLOW = {'default_hooks.fold_average.allow_missing': True}
SHORT = {'train_cfg.max_epochs': 1}


class Poison(Hook):
    """Makes a parameter, its gradient or a batch norm statistic infinite in one iteration (from 1)."""

    def __init__(self, kind, iteration):
        self.kind, self.iteration = kind, iteration

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter + 1 != self.iteration:
            return
        weight = runner.model.decode_head.conv_seg.weight
        if self.kind == 'weight':
            weight.data[0] = torch.inf
        elif self.kind == 'gradient':
            weight.register_hook(lambda gradient: gradient / 0)
        else:
            next(m for m in runner.model.modules() if isinstance(m, nn.BatchNorm2d)).running_mean[0] = torch.nan


@pytest.fixture
def start(tiny_recipe):
    def start(name='tiny_stage1', poison=None, resume=False, **options):
        cfg = load_run(tiny_recipe, name, options=options)
        cfg.resume = resume
        prepare(cfg)
        runner = build_runner(cfg)
        if poison:
            runner.register_hook(Poison(*poison))
        runner.train()
        return runner

    return start


def saved():
    return sorted(path.name for path in WORK_DIR.glob('*.pth'))


# An epoch of the tiny recipe is three iterations.
@pytest.mark.parametrize('interval', [2, 50])
@pytest.mark.parametrize(
    ('kind', 'named'), [('weight', 'loss of iteration 5'), ('gradient', 'gradient of iteration 5')]
)
def test_divergence_is_named_and_only_good_files_stay(start, kind, named, interval):
    with pytest.raises(DivergenceError, match=rf'epoch 2: the {named} is not finite') as stopped:
        start(poison=(kind, 5), **{'default_hooks.divergence.interval': interval})
    message = str(stopped.value)
    assert message.count('_leftImg8bit.png') == 8
    assert 'optim_wrapper.optimizer.lr, now 0.001' in message
    assert '/work_dirs/tiny_stage1/epoch_1.pth; unchanged it would end the same' in message
    assert {'best_mIoU_epoch_1.pth', 'epoch_1.pth'} <= set(saved()) <= {
        'best_mIoU_epoch_1.pth', 'epoch_1.pth', 'iter_3.pth'
    }  # fmt: skip
    assert not any(non_finite_entries(load_checkpoint_file(WORK_DIR / name)['state_dict']) for name in saved())
    ledger = StageLedger('work_dirs/tiny/stage1')
    assert ledger.entry('full') is None
    assert ledger.failures(['full']) == {'full': message}
    assert not ledger.finished_runs()


def test_weights_that_no_loss_shows_are_not_saved(start):
    with pytest.raises(DivergenceError, match=r'2 weights are not finite|1 weights are not finite \(.*running_mean'):
        start(poison=('statistic', 2))
    assert not saved()


def test_a_run_that_diverged_goes_on_from_its_last_good_state(after_stage1, start):
    ledger = StageLedger('work_dirs/tiny/stage1')
    whole = load_weights(ledger.weights_path('full'))
    ledger.record_path('full').unlink()
    with pytest.raises(DivergenceError):
        start(poison=('gradient', 5))
    assert ledger.failures(['full'])
    start(resume=True)
    resumed = load_weights(ledger.weights_path('full'))
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)
    assert not ledger.failures(['full'])


def test_a_stage_does_without_a_diverged_fold_only_if_told_so(after_stage1, start, tiny_recipe):
    start('tiny_stage2_fold1', **SHORT)
    with pytest.raises(DivergenceError):
        start('tiny_stage2_fold2', poison=('weight', 1), **SHORT)
    start('tiny_stage2_fold3', **SHORT)
    ledger = StageLedger('work_dirs/tiny/stage2')
    assert ledger.finished_runs() == ['fold1', 'fold3']
    assert ledger.outcome() is None
    config = tiny_recipe / 'tiny_stage2.py'
    with pytest.raises(StageError, match='fold2 not finished'):
        fuse_folder(ledger.folder, config)
    outcome = fuse_folder(ledger.folder, config, ALLOW)
    assert list(outcome['runs']) == ['fold1', 'fold3']
    assert all('fold2' not in candidate['ingredients'] for candidate in outcome['candidates'].values())
    start('tiny_stage2_fold2', **SHORT)
    assert list(ledger.outcome()['runs']) == ['fold1', 'fold2', 'fold3']


def test_the_last_fold_fuses_the_stage_without_the_diverged_one(after_stage1, start):
    with pytest.raises(DivergenceError):
        start('tiny_stage2_fold2', poison=('weight', 1), **ALLOW, **SHORT)
    for fold in (1, 3):
        start(f'tiny_stage2_fold{fold}', **ALLOW, **SHORT)
    ledger = StageLedger('work_dirs/tiny/stage2')
    assert list(ledger.outcome()['runs']) == ['fold1', 'fold3']
    assert 'diverged' in json.loads((ledger.folder / 'fold2.failed.json').read_text())['reason']
