"""One training run or one fusing, in a process of its own."""

import os
import sys
from collections.abc import Callable
from multiprocessing.queues import Queue
from pathlib import Path
from typing import NamedTuple

from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmseg_custom.stages.fuse import fuse_folder
from mmseg_custom.stages.launch import build_runner


class Progress(NamedTuple):
    """A validated epoch of a run, or its end, which may come before the last epoch (no score)."""

    config: str
    epoch: int
    score: float | None = None


class ProgressHook(Hook):
    """Tells how far a run is, to whoever started it.

    Args:
        config: The run's config file.
        tell: Receives a :class:`Progress` after each validation.
    """

    def __init__(self, config: str, tell: Callable[[Progress], None]) -> None:
        self.config, self.tell = config, tell

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Tell the epoch and its score."""
        self.tell(Progress(self.config, runner.epoch, metrics['mIoU']))

    def after_train(self, runner: Runner) -> None:
        """Tell that no epoch is left."""
        self.tell(Progress(self.config, runner.max_epochs))


def train_run(cfg: Config, config: str, log: Path, progress: Queue, gpu: int | None) -> None:
    """Train (or go on training) one run; all it prints goes to ``log``."""
    if gpu is not None:
        os.environ['CUDA_VISIBLE_DEVICES'] = str(gpu)
    _print_to(log)
    cfg.resume = True
    runner = build_runner(cfg)
    runner.register_hook(ProgressHook(config, progress.put))
    runner.train()


def fuse_stage(folder: str, config: str, cfg_options: dict | None, log: Path) -> None:
    """Build and score the candidates of a stage whose folds are finished; all it prints goes to ``log``."""
    _print_to(log)
    fuse_folder(folder, config, cfg_options)


def _print_to(log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(descriptor, stream.fileno())
    os.close(descriptor)
