"""The scalars of a run in TensorBoard, where the folds of a stage lie side by side."""

import logging
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.logging import MessageHub, print_log
from mmengine.visualization import TensorboardVisBackend
from mmseg.registry import VISBACKENDS

from mmseg_custom.fold_settings import fold_of

OVERLAID = ('loss', 'mIoU', 'val_loss', 'lr')


@VISBACKENDS.register_module()
class StageTensorboardBackend(TensorboardVisBackend):
    """Writes MMEngine's scalars with stage and fold in the tag: ``mIoU/stage2/fold1``.

    The events of a run lie in ``work_dirs/<recipe>/tensorboard/stage<S>_fold<K>``, so that
    ``tensorboard --logdir work_dirs`` shows all recipes and ``work_dirs/<recipe>`` one; its page "Custom scalars"
    lays the folds of a stage over each other. All steps are iterations, those of validation too; a resumed run goes
    on in its folder and takes the place of what it had written behind its resume point. A config without stage (no
    ``default_hooks.fold_average.stage_dir``) is written where MMEngine puts it. Without the package ``tensorboard``
    one line says so and nothing is written.

    Args:
        save_dir: Where the events of a run without stage go.
    """

    def __init__(self, save_dir: str) -> None:
        super().__init__(save_dir)
        self._stage, self._fold = '', ''
        self._purge_step: int | None = None
        self._available = find_spec('tensorboard') is not None
        if not self._available:
            print_log('No TensorBoard events: `pip install tensorboard` for them.', 'current', logging.WARNING)

    def add_config(self, config: Config, **kwargs: Any) -> None:
        """Learn from the config which stage and fold the run is; the config itself is kept elsewhere."""
        hook = config.get('default_hooks', {}).get('fold_average') or {}
        if not hook.get('stage_dir'):
            return
        self.close()
        stage_dir = Path(hook['stage_dir'])
        fold = fold_of(config)
        self._stage, self._fold = stage_dir.name, 'full' if fold is None else f'fold{fold}'
        self._save_dir = str(stage_dir.parent / 'tensorboard' / f'{self._stage}_{self._fold}')

    def add_scalars(self, scalar_dict: dict, step: int = 0, file_path: str | None = None, **kwargs: Any) -> None:
        """Write what the logger hook logs.

        Args:
            scalar_dict: Values by name; with ``iter`` they are of training, else of validation.
            step: The iteration of training; unused for validation, where MMEngine passes the epoch.
            file_path: Unused, as in MMEngine.
            **kwargs: Unused, as in MMEngine.
        """
        training = 'iter' in scalar_dict
        step = step if training else MessageHub.get_current_instance().get_info('iter', -1) + 1
        self._purge_step = step if training else None
        for name, value in scalar_dict.items():
            if name in ('time', 'data_time') and not training:
                name = f'val_{name}'
            if name != 'iter':
                self.add_scalar(name, value, step)

    def add_scalar(self, name: str, value: Any, step: int = 0, **kwargs: Any) -> None:
        """Write one value; ``IoU.road`` and ``decode.loss_ce`` are grouped by what is before the point."""
        if self._available:
            super().add_scalar(self._tag(name.replace('.', '/', 1)), value, step, **kwargs)

    def add_image(self, name: str, image: np.ndarray, step: int = 0, **kwargs: Any) -> None:
        """Write an image."""
        if self._available:
            super().add_image(self._tag(name), image, step, **kwargs)

    def close(self) -> None:
        """Close the file; what comes later goes to a new one in the same folder."""
        super().close()
        self._env_initialized, self._purge_step = False, None

    def _tag(self, name: str) -> str:
        return '/'.join(part for part in (name, self._stage, self._fold) if part)

    def _init_env(self) -> None:
        """Open the events; what an earlier process wrote behind the step that training goes on from is replaced."""
        from torch.utils.tensorboard import SummaryWriter

        self._tensorboard = SummaryWriter(self._save_dir, purge_step=self._purge_step)
        if self._stage:
            charts = {name: ['Multiline', [f'{name}/{self._stage}/.*']] for name in OVERLAID}
            self._tensorboard.add_custom_scalars({self._stage: charts})
