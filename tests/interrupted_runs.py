"""Tiny runs with everything random that there is, to be cut and resumed."""

import multiprocessing
from pathlib import Path

import torch
from mmengine.hooks import Hook
from tiny_stage import CONFIGS, STAGE

from mmseg_custom.config import load_run_config
from mmseg_custom.datasets.prepare import prepare
from mmseg_custom.engine.history import HISTORY_KEY
from mmseg_custom.engine.stage_runner import build_runner

LENGTH, EPOCHS = 3, 4  # 10 images in batches of 4


class PowerCut(BaseException):
    """Nothing handles it."""


class Cut(Hook):
    """Ends the process as a power cut would, behind all that the others do at the same event."""

    priority = 'LOWEST'

    def __init__(self, event, iteration):
        def cut(runner, *args, **kwargs):
            if runner.iter + (event == 'after_train_iter') == iteration:
                raise PowerCut

        setattr(self, event, cut)


def make_config(schedule, workers=0, **options):
    """A run with everything random that there is, whose schedule acts within its few epochs."""
    text = STAGE.format(
        configs=CONFIGS, schedule=schedule, level='advanced', stage=1, load_from=None, loss='CEDiceLoss'
    )
    Path('run.py').write_text(text)
    cfg = load_run_config('run.py', f'work_dirs/{schedule}', {'train_cfg.max_epochs': EPOCHS, **options})
    del cfg.default_hooks['fold_average']
    cfg.model.decode_head.dropout_ratio = 0.3
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.update(num_workers=workers, persistent_workers=workers > 0, batch_size=4)
    cfg.val_dataloader.batch_size = 2
    if schedule == 'plateau':
        cfg.param_scheduler.update(patience=0, threshold=0.5)
    elif schedule == 'one_cycle':
        cfg.param_scheduler[0].end = cfg.param_scheduler[1].begin = 2
    elif schedule == 'warm_restarts':
        cfg.param_scheduler.update(periods=[1, 2, 4])
    return cfg


def build(cfg, resume=False):
    """The runner of a config."""
    cfg.resume = resume
    prepare(cfg)
    return build_runner(cfg)


def train(cfg, cut=None, resume=False):
    """Train until the end or the cut; the runner, and whether it was cut."""
    runner = build(cfg, resume)
    if cut:
        runner.register_hook(Cut(*cut))
    try:
        runner.train()
    except PowerCut:
        return runner, True
    finally:
        end_workers()
    return runner, False


def end_workers():
    """End the loaders' workers with the run; else the next garbage collection waits 5 s for each."""
    for worker in multiprocessing.active_children():
        worker.terminate()


def state(runner):
    """All that the outcome of a run depends on or consists of, but for times."""
    history = runner.message_hub.get_info(HISTORY_KEY)
    return {
        'weights': dict(runner.model.state_dict()),
        'optimizer': runner.optim_wrapper.state_dict(),
        'schedulers': [scheduler.state_dict() for scheduler in runner.param_schedulers],
        'counters': (runner.epoch, runner.iter, runner.optim_wrapper.inner_count),
        'history': [{key: value for key, value in record.items() if key != 'seconds'} for record in history],
    }


def assert_same(first, second, where=''):
    if isinstance(first, dict):
        assert first.keys() == second.keys(), where
        for key in first:
            assert_same(first[key], second[key], f'{where}/{key}')
    elif isinstance(first, list | tuple):
        assert len(first) == len(second), where
        for position, pair in enumerate(zip(first, second, strict=True)):
            assert_same(*pair, f'{where}/{position}')
    elif isinstance(first, torch.Tensor):
        assert torch.equal(first, second), where
    else:
        assert first == second or (first != first and second != second), where


WHOLE = {}


def uninterrupted(schedule):
    """The state at the end of a run that nobody disturbs."""
    if schedule not in WHOLE:
        WHOLE[schedule] = state(train(make_config(schedule))[0])
    return WHOLE[schedule]
