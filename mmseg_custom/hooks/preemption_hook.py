"""Ends a run in good order when a cluster takes its machine back."""

import os
import signal
from typing import Any

import torch
from mmengine.device import get_device
from mmengine.dist import all_reduce, barrier
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmseg_custom.engine.stop_signals import STOP_SIGNALS, Preempted, in_main_thread, shield_workers
from mmseg_custom.hooks.stage_checkpoint_hook import StageCheckpointHook
from mmseg_custom.hooks.training import hook_of, is_training


@HOOKS.register_module()
class PreemptionHook(Hook):
    """On ``SIGTERM`` or ``SIGUSR1`` the run finishes its step, saves a resume point and exits with code 75.

    A signal during validation ends it at once: the point was written before it, and the resumed run validates
    again. Scoring and fusing after the last epoch end at once as well. Further signals change nothing, and the
    workers of the data loaders ignore them. Needs a :class:`StageCheckpointHook`.

    Args:
        check_interval: Iterations after which several processes tell each other of a signal; a single process
            knows at once. Defaults to 10: an exchange every step would be waited for, and 10 steps are done
            long before any scheduler loses patience.
    """

    # Behind everything that belongs to a step (checkpoints are VERY_LOW, 90), before what follows the training
    # (LOWEST, 100); MMEngine has no name for a place between them.
    priority = 95

    def __init__(self, check_interval: int = 10) -> None:
        self.check_interval = check_interval
        self._pid = os.getpid()
        self._asked = self._agreed = self._trained = False

    def before_train(self, runner: Runner) -> None:
        """Listen from now on.

        Raises:
            ValueError: If nothing writes resume points.
        """
        self._checkpoints = hook_of(runner, StageCheckpointHook)
        if self._checkpoints is None:
            raise ValueError('PreemptionHook needs a StageCheckpointHook, which writes the resume points.')
        self._pid, self._work_dir = os.getpid(), runner.work_dir
        self._asked = self._agreed = self._trained = False
        for loader in (runner.train_dataloader, runner.val_dataloader):
            shield_workers(loader)
        for number in STOP_SIGNALS if in_main_thread() else ():
            signal.signal(number, self._note)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        """Save and leave if asked to; accumulated gradients are used first."""
        if self._agree(runner, runner.iter + 1) and runner.optim_wrapper.should_update():
            self._checkpoints.save_iteration(runner, runner.iter + 1)
            self._leave(runner)

    def after_val_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Leave if asked to: what is trained is saved. Batches that not every process has are passed over."""
        loader = runner.val_dataloader
        everywhere = len(loader.dataset) // (runner.world_size * (loader.batch_size or 1))
        if is_training(runner) and batch_idx < everywhere and self._agree(runner, batch_idx + 1):
            self._leave(runner)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Leave if asked to: the validated epoch is saved."""
        if is_training(runner) and self._agree(runner, 0):
            self._leave(runner)

    def after_train(self, runner: Runner) -> None:
        """From here on there is nothing to finish: a signal ends the run at once."""
        if self._agree(runner, 0):
            self._leave(runner)
        self._trained = True

    def _note(self, number: int, frame: Any) -> None:
        if os.getpid() != self._pid or self._asked:
            return
        self._asked = True
        if self._trained:
            raise Preempted(self._work_dir)

    def _agree(self, runner: Runner, step: int) -> bool:
        """Whether any process was asked; looked up by all of them at the same steps."""
        if runner.world_size == 1:
            return self._asked
        if step % self.check_interval == 0 and not self._agreed:
            asked = torch.tensor(float(self._asked), device=get_device())
            all_reduce(asked, 'max')
            self._agreed = bool(asked)
        return self._agreed

    def _leave(self, runner: Runner) -> None:
        barrier()
        saved = self._checkpoints.newest
        runner.logger.warning(f'Asked to stop by a signal. Saved at {saved}; --resume goes on from there.')
        raise Preempted(saved)
