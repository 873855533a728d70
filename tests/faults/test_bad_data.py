"""Files that vanish or break and loader workers that die, in the middle of a run."""

import gc
import multiprocessing
import os
import shutil
import signal
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmcv.transforms import BaseTransform
from mmengine.hooks import Hook
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS, TRANSFORMS

from mmseg_custom.config import load_run_config
from mmseg_custom.datasets.checks.bad_samples import SampleError
from mmseg_custom.datasets.checks.loader_errors import LoaderError, lost_workers_explained
from mmseg_custom.datasets.prepare import prepare
from mmseg_custom.engine.stage_runner import build_runner
from mmseg_custom.evaluation.testing import run_test
from mmseg_custom.fusion.weight_scorer import WeightScorer
from mmseg_custom.io.checkpoints.checkpoint_file import load_weights
from mmseg_custom.ledger.fingerprint import hash_experiment
from mmseg_custom.ledger.stage_ledger import StageLedger

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
SKIP = {f'{loader}.dataset.on_bad_sample': 'skip' for loader in LOADERS}


class At(Hook):
    """Calls a function before an iteration (from 1)."""

    priority = 'LOWEST'

    def __init__(self, iteration, act):
        self.iteration, self.act = iteration, act

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter + 1 == self.iteration:
            self.act()


def image(number, split='train'):
    return sorted(Path('data/leftImg8bit', split).glob('*/*.png'))[number]


def cut():
    raise KeyboardInterrupt


@TRANSFORMS.register_module()
class KilledWorker(BaseTransform):
    """Ends the data loader's worker that it runs in as the kernel does when memory runs out."""

    def transform(self, results):
        assert multiprocessing.parent_process(), 'it runs in a worker'
        os.kill(os.getpid(), signal.SIGKILL)


def kill_workers():
    """Kill them and see them dead, but leave it to PyTorch to find that out: a run that is over no longer looks."""
    for process in multiprocessing.active_children():
        os.kill(process.pid, signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)


@pytest.fixture
def configured(tiny_recipe, scenes, tmp_path):
    """A function that reads a config of the tiny recipe; the scenes are a copy that a test may damage."""
    (tmp_path / 'data').unlink()
    shutil.copytree(scenes, 'data')

    def configured(work_dir=None, resume=False, **options):
        cfg = load_run_config(tiny_recipe / 'tiny_stage1.py', work_dir, options)
        cfg.resume = resume
        prepare(cfg)
        return cfg

    return configured


def train(cfg, iteration=0, act=None):
    runner = build_runner(cfg)
    runner.register_hook(At(iteration, act))
    runner.train()
    return StageLedger(cfg.default_hooks.fold_average.stage_dir)


def test_what_vanishes_or_breaks_in_a_run_is_replaced_and_in_the_ledger(configured):
    gone, broken, unscored = image(3), image(6), image(1, 'val')

    def spoil():
        gone.unlink()
        for path in (broken, unscored):
            path.write_bytes(path.read_bytes()[:-30])

    entry = train(configured(**SKIP), 4, spoil).entry('full')
    assert len(entry['history']) == 2
    skipped = {(record['loader'], record['file']): record['reason'] for record in entry['skipped']}
    places = {('train', str(gone)), ('train', str(broken)), ('val', str(unscored)), ('test', str(unscored))}
    assert set(skipped) == places
    assert 'No such file' in skipped['train', str(gone)]
    assert str(broken) in skipped['train', str(broken)]


def test_without_a_bad_file_the_policy_changes_nothing(configured):
    first = train(configured()).entry('full')
    second_cfg = configured('work_dirs/skip', **SKIP, **{'default_hooks.fold_average.stage_dir': 'work_dirs/other'})
    second = train(second_cfg).entry('full')
    assert first['weights'] == second['weights']
    assert first['skipped'] == second['skipped'] == []
    assert hash_experiment(configured()) == hash_experiment(configured(**SKIP))


@pytest.mark.parametrize('workers', [0, 2])
def test_an_interrupted_run_skips_what_an_uninterrupted_one_does(configured, workers):
    image(3).write_bytes(b'')
    image(4).unlink()
    options = {**SKIP, 'train_dataloader.num_workers': workers, 'train_cfg.max_epochs': 3}
    stage = 'default_hooks.fold_average.stage_dir'
    whole = train(configured('work_dirs/whole', **options, **{stage: 'work_dirs/a'}))
    with pytest.raises(KeyboardInterrupt):
        train(configured('work_dirs/cut', **options, **{stage: 'work_dirs/b'}), 5, cut)
    resumed = train(configured('work_dirs/cut', resume=True, **options, **{stage: 'work_dirs/b'}))
    first, second = (load_weights(ledger.weights_path('full')) for ledger in (whole, resumed))
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert whole.entry('full')['skipped'] == resumed.entry('full')['skipped'] != []


def test_a_skipped_image_is_left_out_of_the_score(configured):
    ledger = train(configured())
    weights = load_weights(ledger.weights_path('full'))
    path = image(1, 'val')
    Path('skip.txt').write_text(f'val/{path.parent.name}/{path.name.removesuffix("_leftImg8bit.png")}\n')
    expected = WeightScorer(configured(**{'test_dataloader.dataset.skip_list': 'skip.txt'}))(weights)
    path.write_bytes(b'')
    scorer = WeightScorer(configured(**SKIP))
    assert scorer(weights) == pytest.approx(expected, nan_ok=True)
    assert list(scorer.skipped) == [str(path)]
    with pytest.raises(SampleError, match=path.name):
        WeightScorer(configured())(weights)


@pytest.mark.parametrize('loss', ['CEDiceLoss', 'LabelSmoothCrossEntropyLoss', 'SoftDiceLoss'])
def test_a_batch_without_a_class_has_a_finite_loss_and_no_gradient(loss):
    init_default_scope('mmseg')
    logits = torch.randn(2, 4, 3, 5, requires_grad=True)
    value = MODELS.build(dict(type=loss))(logits, torch.full((2, 3, 5), 255))
    value.backward()
    assert value == 0
    assert torch.equal(logits.grad, torch.zeros_like(logits))


def test_a_wholly_ignored_label_stops_the_run_and_is_named(configured):
    path = str(image(3)).replace('leftImg8bit/', 'gtFine/').replace('_leftImg8bit', '_gtFine_labelIds')
    assert cv2.imwrite(path, np.full((32, 64), 4, np.uint8))
    with pytest.raises(SampleError, match=rf'wholly ignored: {path}: no pixel has a class'):
        train(configured())


def test_a_killed_worker_ends_in_a_message_and_the_run_goes_on(configured):
    options = {'train_dataloader.num_workers': 2, 'train_dataloader.persistent_workers': True}
    with pytest.raises(LoaderError, match=r'DataLoader worker .*/dev/shm.*num_workers.*--resume'):
        train(configured(**options), 5, kill_workers)
    gc.collect()  # While the loader is there, PyTorch raises its error again when any other process ends.
    assert Path('work_dirs/tiny_stage1/epoch_1.pth').is_file()
    entry = train(configured(resume=True)).entry('full')
    assert [record['epoch'] for record in entry['history']] == [1, 2]


def score_weights(cfg):
    WeightScorer(cfg)(MODELS.build(cfg.model).state_dict())


@pytest.mark.parametrize('use', [run_test, score_weights])
def test_a_killed_worker_ends_testing_and_scoring_in_a_message(configured, use):
    cfg = configured(**{'test_dataloader.num_workers': 1})
    cfg.test_dataloader.dataset.pipeline.insert(0, {'type': 'KilledWorker'})
    with pytest.raises(LoaderError, match=r'DataLoader worker .*num_workers.*same command again'):
        use(cfg)


def test_other_errors_stay_what_they_are():
    with pytest.raises(RuntimeError, match=r'^something else$'), lost_workers_explained():
        raise RuntimeError('something else')
    text = 'DataLoader worker (pid(s) 12, 13) exited unexpectedly'
    with pytest.raises(LoaderError, match=r'pid\(s\) 12, 13'), lost_workers_explained():
        raise RuntimeError(text)
    bus = 'DataLoader worker (pid 12) is killed by signal: Bus error. It is possible that'
    with pytest.raises(LoaderError, match=r'signal: Bus error\. A worker'), lost_workers_explained():
        raise RuntimeError(bus)
