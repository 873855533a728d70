"""One training run or one fusing, in a process of its own."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import IterBasedTrainLoop, Runner
from mmengine.utils import import_modules_from_strings

from mmseg_custom.engine.history import MONITOR
from mmseg_custom.engine.stage_runner import build_runner
from mmseg_custom.engine.stop_signals import STOP_SIGNALS
from mmseg_custom.errors import UserError
from mmseg_custom.fusion.average_files import fuse_folder
from mmseg_custom.io.processes import end_with_parent
from mmseg_custom.launchers.threads import THREADS
from mmseg_custom.ledger.finished import BY_RECIPE

# A table that a person watches; more often would cost each step a write.
TELL_SECONDS = 1.0
# Steps that the shown loss is a mean of: the interval of the logger in default_runtime.py.
LOSS_WINDOW = 50


class Progress(NamedTuple):
    """How far a run is, in epochs or iterations as its loop counts, told now and then; with a score after validation.

    ``run`` is its name in the plan. The first one names what an earlier call has done. The end may come early.
    """

    run: str
    done: float
    score: float | None = None
    loss: float | None = None


class ProgressHook(Hook):
    """Tells how far a run is, to whoever started it.

    Args:
        run: The run's name in the plan.
        tell: Receives a :class:`Progress` at the start, about every second, after each validation and at the end.
    """

    def __init__(self, run: str, tell: Callable[[Progress], None]) -> None:
        self.run, self.tell = run, tell
        self._told = 0.0

    def before_train(self, runner: Runner) -> None:
        """Tell where the run goes on from."""
        self.tell(Progress(self.run, _done(runner)))

    def after_train_iter(self, runner: Runner, batch_idx: int, **kwargs: Any) -> None:
        """Tell what is done, with the part of the epoch under way, and the loss of late."""
        by_iter = isinstance(runner.train_loop, IterBasedTrainLoop)
        done = runner.iter + 1 if by_iter else runner.epoch + (batch_idx + 1) / len(runner.train_dataloader)
        self._tell_now_and_then(done, runner.message_hub.get_scalar('train/loss').mean(LOSS_WINDOW))

    def after_val_iter(self, runner: Runner, **kwargs: Any) -> None:
        """Give a sign of life."""
        self._tell_now_and_then(_done(runner))

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Tell the score by which epochs are compared."""
        settings = runner.cfg.get('default_hooks', {}).get('history') or {}
        self.tell(Progress(self.run, _done(runner), metrics.get(settings.get('monitor', MONITOR))))

    def after_train(self, runner: Runner) -> None:
        """Tell that nothing is left."""
        by_iter = isinstance(runner.train_loop, IterBasedTrainLoop)
        self.tell(Progress(self.run, runner.max_iters if by_iter else runner.max_epochs))

    def _tell_now_and_then(self, done: float, loss: float | None = None) -> None:
        if time.monotonic() - self._told > TELL_SECONDS:
            self._told = time.monotonic()
            self.tell(Progress(self.run, done, loss=loss))


def _done(runner: Runner) -> int:
    return runner.iter if isinstance(runner.train_loop, IterBasedTrainLoop) else runner.epoch


def train_run(cfg: Config, run: str, log: Path, progress: Connection, slot: Mapping[str, str]) -> None:
    """Train (or go on training) one run in a ``slot`` of a pool; all it prints goes to ``log``."""
    take_slot(slot)
    with joined_pool(log):
        import_modules_from_strings(**cfg.get('custom_imports', {'imports': []}))
        cfg.resume = cfg[BY_RECIPE] = True
        runner = build_runner(cfg)
        runner.register_hook(ProgressHook(run, progress.send))
        runner.train()


def fuse_stage(folder: str, config: str, cfg_options: dict | None, log: Path) -> None:
    """Build and score the candidates of a stage whose folds are finished; all it prints goes to ``log``."""
    with joined_pool(log):
        fuse_folder(folder, config, cfg_options)


def take_slot(slot: Mapping[str, str]) -> None:
    """Use what a slot of a pool has: the GPU and the threads that this environment names."""
    os.environ.update(slot)
    if THREADS in slot:
        torch.set_num_threads(int(slot[THREADS]))


@contextmanager
def joined_pool(log: Path) -> Iterator[None]:
    """Work as a process of a pool: print to ``log``, stop when told to, and end when the pool's process is gone.

    Ctrl-C in a terminal reaches every process of it; here only the pool listens, and asks its processes to stop.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    end_with_parent()
    _print_to(log)
    try:
        yield
    except (UserError, OSError) as error:
        raise SystemExit(str(error)) from None


def _print_to(log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(descriptor, stream.fileno())
    os.close(descriptor)
