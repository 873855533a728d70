"""Saves the best epoch and the resume points of a run."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.utils import apply_to
from mmseg.registry import HOOKS

from mmseg_custom.engine.history import HISTORY_KEY, SCALARS_KEY, chosen_position, last_scalars, restore_scalars
from mmseg_custom.engine.resume_points import archive, replaced_points
from mmseg_custom.engine.train_loop import AWAITS_VALIDATION
from mmseg_custom.hooks.training import is_training, iterations_logged, position_name
from mmseg_custom.hooks.training_history_hook import history_hook_of, monitor_of
from mmseg_custom.io.checkpoints.archive import is_whole
from mmseg_custom.io.checkpoints.checkpoint_file import plain_data


@HOOKS.register_module()
class StageCheckpointHook(Hook):
    """Saves the best weights so far (weights only), and points to resume from.

    Files are called as MMEngine calls its own: by the epoch, or by the iteration in a loop over iterations.

    A resume point is written before and after each validation and, if asked for, within an epoch. Unlike MMEngine's
    ``CheckpointHook`` it writes atomically, deletes an older file only when the newer one has been read back, keeps
    the validation of an epoch in its state, and writes tensors and plain data only, so that its files load with
    ``weights_only=True``.

    Attributes:
        newest: The newest resume point; before there is one, the folder of the run.

    Args:
        monitor: That of ``default_hooks.history``, which decides. Defaults to ``None``: read there.
        keep: Number of resume points kept while the run goes on. Defaults to 2.
        interval_iters: Iterations after which at the latest there is a new resume point; with accumulated gradients
            the next iteration that updates the weights. Defaults to ``None``: none within an epoch.
    """

    # As MMEngine's: behind schedulers and history (LOW, NORMAL), whose state it saves.
    priority = 'VERY_LOW'

    def __init__(self, monitor: str | None = None, keep: int = 2, interval_iters: int | None = None) -> None:
        self.monitor = monitor
        self.keep = keep
        self.interval_iters = interval_iters
        self.newest = ''
        self._saved = 0

    def before_train(self, runner: Runner) -> None:
        """Refuse to train without validation, and rename the resume points of an earlier run.

        Raises:
            ValueError: If there is no validation to choose the best epoch by.
        """
        if runner.val_loop is None:
            raise ValueError('A stage chooses its best epoch on validation scores: set val_dataloader and val_cfg.')
        self.monitor = monitor_of(runner)
        if runner.iter == 0 and is_main_process():
            archive(runner)
        restore_scalars(runner.message_hub)
        self.newest = runner.work_dir
        self._saved = runner.iter

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        """Save a resume point if the last one is old enough."""
        waited = runner.iter + 1 - self._saved
        if self.interval_iters and waited >= self.interval_iters and runner.optim_wrapper.should_update():
            self.save_iteration(runner, runner.iter + 1)

    def before_val(self, runner: Runner) -> None:
        """Save the trained epoch, so that an interrupted validation costs no training."""
        if is_training(runner):
            runner.message_hub.update_info(AWAITS_VALIDATION, True)
            self.save_iteration(runner, runner.iter)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Save what the epoch deserves, then delete what it replaces."""
        if not is_training(runner):
            return
        runner.message_hub.update_info(AWAITS_VALIDATION, False)
        history = runner.message_hub.get_info(HISTORY_KEY)
        best = best_checkpoint(runner, self.monitor, history[-1])
        select = history_hook_of(runner).select
        is_best = chosen_position(history, self.monitor, select) == len(history) - 1
        if is_best:
            self._save(runner, best.name, runner.iter, resumable=False)
        self._save_point(runner, f'{position_name(runner, history[-1])}.pth', runner.iter)
        if is_best and is_main_process():
            kind = position_name(runner, history[-1]).partition('_')[0]
            older = set(best.parent.glob(f'{_best(self.monitor)}{kind}_*.pth')) - {best}
            self._replace(runner, older, best)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Reduce all but the weights and the optimizer to plain data, and its tensors to tensors alone.

        ``torch.compile`` notes on those of an optimizer, as attributes, how it takes them: no plain data any more.
        Best weights keep no second set of MMEngine's ``EMAHook``: a run that starts from them would take that one.
        """
        checkpoint['meta'] = plain_data(checkpoint['meta'])
        hub = checkpoint.pop('message_hub')
        if 'optimizer' in checkpoint:
            info = plain_data(dict(hub['runtime_info']))
            count = iterations_logged(runner, checkpoint['meta']['iter'], info.get(HISTORY_KEY) or [])
            info[SCALARS_KEY] = last_scalars(hub['log_scalars'], count)
            keys = {key: value for key, value in hub['resumed_keys'].items() if key in info}
            checkpoint['optimizer'] = apply_to(checkpoint['optimizer'], torch.is_tensor, torch.Tensor.detach)
            checkpoint['message_hub'] = {'log_scalars': {}, 'runtime_info': info, 'resumed_keys': keys}
        else:
            checkpoint.pop('ema_state_dict', None)

    def save_iteration(self, runner: Runner, done: int) -> None:
        """Save a resume point behind ``done`` iterations, and delete what it replaces."""
        self._save_point(runner, f'iter_{done}.pth', done)

    def _save_point(self, runner: Runner, name: str, iteration: int) -> None:
        point = self._save(runner, name, iteration, resumable=True)
        self._saved = iteration
        if is_main_process():
            older = replaced_points(point, len(runner.train_dataloader), self.keep)
            self.newest = str(point) if self._replace(runner, older, point) else self.newest

    @staticmethod
    def _save(runner: Runner, name: str, iteration: int, resumable: bool) -> Path:
        runner.save_checkpoint(
            runner.work_dir,
            name,
            save_optimizer=resumable,
            save_param_scheduler=resumable,
            meta={'epoch': runner.epoch, 'iter': iteration},
            backend_args={'backend': 'atomic'},
        )
        return Path(runner.work_dir) / name

    @staticmethod
    def _replace(runner: Runner, older: Iterable[Path], newer: Path) -> bool:
        """Delete files if the one that takes their place can be read back; else that one."""
        whole = is_whole(newer)
        if not whole:
            runner.logger.warning(f'{newer} is damaged as soon as written: check the disk. The ones before it stay.')
        for file in older if whole else [newer]:
            file.unlink(missing_ok=True)
        return whole


def best_checkpoint(runner: Runner, monitor: str, record: dict) -> Path:
    """Where a run keeps the weights of its best validation, which has this ``record`` in its history."""
    return Path(runner.work_dir) / f'{_best(monitor)}{position_name(runner, record)}.pth'


def _best(monitor: str) -> str:
    return f'best_{monitor.replace("/", "_")}_'
