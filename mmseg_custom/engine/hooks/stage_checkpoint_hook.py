"""Saves the best epoch and the resume points of a run."""

from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmseg_custom.engine.checkpoint_io import plain_data
from mmseg_custom.engine.history import HISTORY_KEY, best_position
from mmseg_custom.engine.hooks.training import is_training

RESUME_PATTERN = 'epoch_*.pth'
ASIDE = 'earlier_'


@HOOKS.register_module()
class StageCheckpointHook(Hook):
    """After each validation: the best weights so far (weights only), and a point to resume from.

    Unlike the host's ``CheckpointHook`` it writes atomically, deletes an older file only when the newer one is
    there, saves an epoch once its validation is part of the state, and writes tensors and plain data only, so that
    its files load with ``weights_only=True``.

    Args:
        monitor: Metric that decides which epoch is the best, higher is better. Defaults to ``'mIoU'``.
        keep: Number of resume points kept while the run goes on. Defaults to 2.
    """

    priority = 'VERY_LOW'

    def __init__(self, monitor: str = 'mIoU', keep: int = 2) -> None:
        self.monitor = monitor
        self.keep = keep

    def before_train(self, runner: Runner) -> None:
        """Refuse to train without validation, and put the resume points of an earlier run aside.

        Raises:
            ValueError: If there is no validation to choose the best epoch by.
        """
        if runner.val_loop is None:
            raise ValueError('A stage chooses its best epoch on validation scores: set val_dataloader and val_cfg.')
        if runner.iter == 0 and is_main_process():
            self._put_aside(runner)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Save what the epoch deserves, then delete what it replaces."""
        if not is_training(runner):
            return
        history = runner.message_hub.get_info(HISTORY_KEY)
        if best_position(history, self.monitor) == len(history) - 1:
            best = best_checkpoint(runner.work_dir, self.monitor, runner.epoch)
            self._save(runner, best.name, resumable=False)
            self._delete(best.parent.glob(f'best_{self.monitor}_epoch_*.pth'), but={best})
        self._save(runner, f'epoch_{runner.epoch}.pth', resumable=True)
        points = resume_points(runner.work_dir)
        self._delete(points, but=set(points[: self.keep]))

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Reduce all but the weights and the optimizer to plain data."""
        checkpoint['meta'] = plain_data(checkpoint['meta'])
        hub = checkpoint.pop('message_hub')
        if 'optimizer' in checkpoint:
            info = plain_data(dict(hub['runtime_info']))
            keys = {key: value for key, value in hub['resumed_keys'].items() if key in info}
            checkpoint['message_hub'] = {'log_scalars': {}, 'runtime_info': info, 'resumed_keys': keys}

    @staticmethod
    def _save(runner: Runner, name: str, resumable: bool) -> None:
        runner.save_checkpoint(
            runner.work_dir,
            name,
            save_optimizer=resumable,
            save_param_scheduler=resumable,
            meta={'epoch': runner.epoch, 'iter': runner.iter},
            backend_args={'backend': 'atomic'},
        )

    @staticmethod
    def _put_aside(runner: Runner) -> None:
        for path in resume_points(runner.work_dir):
            aside = path.replace(path.with_name(f'{ASIDE}{path.name}'))
            runner.logger.warning(
                f'{path.name} of an earlier run is now {aside.name}: this run starts from the beginning. If it was '
                'meant to go on, stop it, rename the file back and start with --resume.'
            )

    @staticmethod
    def _delete(files: object, but: set[Path]) -> None:
        if is_main_process():
            for file in set(files) - but:
                file.unlink(missing_ok=True)


def best_checkpoint(work_dir: str, monitor: str, epoch: int) -> Path:
    """Where a run keeps the weights of its best epoch."""
    return Path(work_dir) / f'best_{monitor}_epoch_{epoch}.pth'


def resume_points(work_dir: str) -> list[Path]:
    """The resume points in a folder, newest epoch first."""
    return sorted(Path(work_dir).glob(RESUME_PATTERN), key=lambda path: -int(path.stem.rpartition('_')[2]))


def delete_resume_points(work_dir: str) -> None:
    """Free the space of a finished run's resume points."""
    for path in [*resume_points(work_dir), *Path(work_dir).glob(ASIDE + RESUME_PATTERN)]:
        path.unlink(missing_ok=True)
