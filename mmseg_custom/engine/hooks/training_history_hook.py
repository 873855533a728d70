"""Keeps the history of a run and ends it when it no longer improves."""

import math
import time

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmseg_custom.engine.history import HISTORY_KEY, epochs_without_improvement
from mmseg_custom.engine.hooks.training import is_training
from mmseg_custom.errors import UserError


class DivergenceError(UserError, RuntimeError):
    """A training whose loss is no longer finite."""


@HOOKS.register_module()
class TrainingHistoryHook(Hook):
    """Records every validated epoch in the message hub, and stops early by the record.

    The record travels in every checkpoint, so patience, best epoch and curves survive an interruption; the host's
    ``EarlyStoppingHook`` forgets its counter, and counts an equal score as an improvement.

    Args:
        monitor: Metric that decides which epoch is the best, higher is better. Defaults to ``'mIoU'``.
        patience: Validated epochs without a better ``monitor`` after which training ends; ``None`` never.
    """

    priority = 'NORMAL'

    def __init__(self, monitor: str = 'mIoU', patience: int | None = None) -> None:
        self.monitor = monitor
        self.patience = patience
        self._lr = 0.0
        self._started = 0.0

    def before_train(self, runner: Runner) -> None:
        """Start an empty history, or go on with the resumed one."""
        if HISTORY_KEY not in runner.message_hub.runtime_info:
            runner.message_hub.update_info(HISTORY_KEY, [])
        self._stop_if_exhausted(runner)

    def before_train_epoch(self, runner: Runner) -> None:
        """Note when the epoch starts and the learning rate it is trained with."""
        self._started = time.time()
        self._lr = runner.optim_wrapper.get_lr()['lr'][0]

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Append a record: epoch, time, learning rate, mean training losses, scores but the per-class ones."""
        if not is_training(runner):
            return
        if self.monitor not in metrics:
            raise KeyError(f'The metric gives no {self.monitor!r}, which chooses the best epoch: {list(metrics)}.')
        seconds = round(time.time() - self._started, 2)
        record = {'epoch': runner.epoch, 'seconds': seconds, 'lr': self._lr, **self._training_losses(runner)}
        record.update({key: float(value) for key, value in metrics.items() if not key.startswith('IoU.')})
        self._refuse_divergence(runner, record)
        history = [*runner.message_hub.get_info(HISTORY_KEY), record]
        runner.message_hub.update_info(HISTORY_KEY, history)
        self._stop_if_exhausted(runner)

    @staticmethod
    def _refuse_divergence(runner: Runner, record: dict) -> None:
        if not math.isfinite(record.get('train_loss', 0.0)):
            raise DivergenceError(
                f'The training loss of epoch {record["epoch"]} is {record["train_loss"]}: nothing of this epoch is '
                f'saved. Lower the learning rate (now {record["lr"]:g}); --resume goes on from the epoch before.'
            )

    @staticmethod
    def _training_losses(runner: Runner) -> dict[str, float]:
        window = len(runner.train_dataloader)
        scalars = runner.message_hub.log_scalars
        return {
            key.replace('/', '_'): float(buffer.mean(window))
            for key, buffer in scalars.items()
            if key == 'train/loss' or key.startswith('train/decode.')
        }

    def _stop_if_exhausted(self, runner: Runner) -> None:
        waited = epochs_without_improvement(runner.message_hub.get_info(HISTORY_KEY), self.monitor)
        if self.patience is not None and waited >= self.patience:
            runner.logger.info(f'{self.monitor} has not improved for {waited} epochs: training ends early.')
            runner.train_loop.stop_training = True
