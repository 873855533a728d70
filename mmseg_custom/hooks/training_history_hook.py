"""Keeps the history of a run and ends it when it no longer improves."""

import time

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmseg_custom.engine.history import BEST, HISTORY_KEY, LAST, MONITOR, epochs_without_improvement, keep_last
from mmseg_custom.engine.train_loop import batches_done
from mmseg_custom.fold_settings import INNER
from mmseg_custom.hooks.monitor import MonitorError, check_monitor
from mmseg_custom.hooks.training import counts_iterations, hook_of, is_training, iterations_logged

LR_KEY, SECONDS_KEY = 'epoch_lr', 'epoch_seconds'
READERS = ('checkpoint', 'fold_average')  # Hooks that may repeat the monitor, and may not contradict it.


@HOOKS.register_module()
class TrainingHistoryHook(Hook):
    """Records every validation in the message hub, and stops early by the record.

    Its position is ``epoch`` and ``iter``. In a loop over iterations ``epoch`` is how often the data were gone
    through, as a fraction: MMEngine's own counter stays 0 there.

    The record travels in every checkpoint, so patience, best epoch and curves survive an interruption; MMEngine's
    ``EarlyStoppingHook`` forgets its counter, and counts an equal score as an improvement.

    Args:
        monitor: Metric that decides which epoch is the best, higher is better; here and nowhere else, other hooks
            read it (:func:`monitor_of`). Defaults to ``'mIoU'``.
        select: Which validation the run keeps the weights of: the ``'best'`` one by ``monitor``, the default, or the
            ``'last'``. The best score on images that chose it is optimistically biased. ``'inner'`` is the best
            one of a run that validates on an inner part of its fold (``part='inner'`` of ``FoldDataset``).
        patience: Validations without a better ``monitor`` after which training ends; ``None`` never.
    """

    # Before the checkpoint hook, which saves the history and keeps the best by it.
    priority = 'NORMAL'

    def __init__(self, monitor: str = MONITOR, select: str = BEST, patience: int | None = None) -> None:
        if select not in (BEST, LAST, INNER):
            raise MonitorError(
                f'default_hooks.history.select={select!r} is unknown: use {BEST!r}, {LAST!r} or {INNER!r}.'
            )
        self.monitor, self.select = monitor, select
        self.patience = patience
        self._started = 0.0

    def before_run(self, runner: Runner) -> None:
        """See that the validation gives the metric, and that no other hook was given another one.

        Raises:
            MonitorError: If not.
        """
        if is_training(runner) and runner.val_loop is not None:
            check_monitor(runner.val_loop.evaluator, self.monitor)
            for name in READERS:
                settings = runner.cfg.get('default_hooks', {}).get(name) or {}
                _check_same(settings.get('monitor'), self.monitor, name)

    def before_train(self, runner: Runner) -> None:
        """Start an empty history, or go on with the resumed one."""
        if HISTORY_KEY not in runner.message_hub.runtime_info:
            runner.message_hub.update_info(HISTORY_KEY, [])
        self._started = time.time() - runner.message_hub.get_info(SECONDS_KEY, 0.0)
        self._stop_if_exhausted(runner)

    def before_train_epoch(self, runner: Runner) -> None:
        """Note when the epoch starts and the learning rate it starts with; a resumed epoch has both from before."""
        is_new = runner.iter == 0 if counts_iterations(runner) else not batches_done(runner.train_loop)
        if is_new or LR_KEY not in runner.message_hub.runtime_info:
            self._note_start(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Write how long the epoch has taken so far."""
        checkpoint['message_hub']['runtime_info'][SECONDS_KEY] = time.time() - self._started

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Append a record: epoch, time, learning rate, mean training losses, scores but the per-class ones."""
        if not is_training(runner):
            return
        if self.monitor not in metrics:
            raise MonitorError(
                f'default_hooks.history.monitor={self.monitor!r} is to choose the best epoch, but val_evaluator '
                f'gives {", ".join(metrics)}.'
            )
        seconds = round(time.time() - self._started, 2)
        lr = runner.message_hub.get_info(LR_KEY)
        history = runner.message_hub.get_info(HISTORY_KEY)
        window = iterations_logged(runner, runner.iter, history)
        losses = self._training_losses(runner, window)
        record = {'epoch': self._epoch(runner), 'iter': runner.iter, 'seconds': seconds, 'lr': lr, **losses}
        record.update({key: float(value) for key, value in metrics.items() if not key.startswith('IoU.')})
        runner.message_hub.update_info(HISTORY_KEY, [*history, record])
        keep_last(runner.message_hub, window)
        if counts_iterations(runner):
            self._note_start(runner)
        self._stop_if_exhausted(runner)

    def _note_start(self, runner: Runner) -> None:
        self._started = time.time()
        runner.message_hub.update_info(LR_KEY, runner.optim_wrapper.get_lr()['lr'][0])

    @staticmethod
    def _epoch(runner: Runner) -> float:
        if counts_iterations(runner):
            return round(runner.iter / len(runner.train_dataloader), 2)
        return runner.epoch

    @staticmethod
    def _training_losses(runner: Runner, window: int) -> dict[str, float]:
        scalars = runner.message_hub.log_scalars
        return {
            key.replace('/', '_'): float(buffer.mean(window))
            for key, buffer in scalars.items()
            if key == 'train/loss' or key.startswith('train/decode.')
        }

    def _stop_if_exhausted(self, runner: Runner) -> None:
        waited = epochs_without_improvement(runner.message_hub.get_info(HISTORY_KEY), self.monitor)
        if self.patience is not None and waited >= self.patience:
            runner.logger.info(f'{self.monitor} has not improved for {waited} validations: training ends early.')
            runner.train_loop.stop_training = True


def history_hook_of(runner: Runner) -> TrainingHistoryHook:
    """The hook that keeps the history of a run, and knows which of its weights are kept.

    Raises:
        MonitorError: If nobody keeps a history.
    """
    owner = hook_of(runner, TrainingHistoryHook)
    if owner is None:
        raise MonitorError('A stage needs default_hooks.history=dict(type="TrainingHistoryHook").')
    return owner


def monitor_of(runner: Runner) -> str:
    """The metric that decides which epoch of a run is the best; raises as :func:`history_hook_of`."""
    return history_hook_of(runner).monitor


def _check_same(given: str | None, monitor: str, where: str) -> None:
    if given not in (None, monitor):
        raise MonitorError(
            f'default_hooks.{where}.monitor={given!r} contradicts default_hooks.history.monitor={monitor!r}: '
            'set the latter and leave the former out.'
        )
