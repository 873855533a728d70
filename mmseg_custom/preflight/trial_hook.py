"""Follows a trial of a training: what it is at, how long its steps take, and its end."""

import time
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from mmseg_custom.errors import UserError

WARM_UP = 1
STEPS = 2  # Measured behind the warm-up.
STARTING, STEPPING, VALIDATING = 'starting', 'stepping', 'validating'


class TrialOver(Exception):
    """Raised to leave a training that is a trial."""


class LossError(UserError, ValueError):
    """A first step whose loss is not finite."""


class TrialHook(Hook):
    """Lets a training take a few steps, validate once and leave.

    Attributes:
        at: What is under way: ``'starting'``, ``'stepping'`` or ``'validating'``.
        steps: Seconds of loading and of computing of each training step.
        validations: The same of each batch of the validation.
        images: Number of images in each training step.
        sizes: Height and width of the network's last input, by what was under way.
    """

    priority = 'HIGHEST'

    def __init__(self) -> None:
        self.at = STARTING
        self.steps: list[tuple[float, float]] = []
        self.validations: list[tuple[float, float]] = []
        self.images: list[int] = []
        self.sizes: dict[str, tuple[int, int]] = {}
        self._then = self._began = 0.0

    def before_train(self, runner: Runner) -> None:
        """The first batch is loaded from now on."""
        runner.model.data_preprocessor.register_forward_hook(self._see_input)
        self.at, self._then = STEPPING, _now()

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Begin a step; when all are taken, validate and leave.

        Raises:
            TrialOver: When both is done.
        """
        if runner.iter >= WARM_UP + STEPS:
            if not self.validations:
                runner.val_loop.run()
            raise TrialOver
        self._began = _now()
        inputs = data_batch['inputs']
        self.images.append(len(inputs))
        self._note_size(inputs[0])

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        """End a step.

        Raises:
            LossError: If a loss is not finite.
        """
        self.steps.append((self._began - self._then, _now() - self._began))
        wrong = [f'{name}={value}' for name, value in (outputs or {}).items() if not _is_finite(value)]
        if wrong:
            lr = runner.optim_wrapper.get_lr()['lr'][0]
            raise LossError(
                f'The loss of training step {runner.iter + 1} is not finite ({", ".join(wrong)}): see whether the '
                'labels hold ids that the head has no class for, and whether the learning rate '
                f'(optim_wrapper.optimizer.lr, now {lr:g}) is too high.'
            )
        self._then = _now()

    def before_val(self, runner: Runner) -> None:
        """The validation begins."""
        self.at = VALIDATING

    def before_val_epoch(self, runner: Runner) -> None:
        """The first batch is loaded from now on."""
        self._then = _now()

    def before_val_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Begin a batch."""
        self._began = _now()
        self._note_size(data_batch['inputs'][0])

    @property
    def size_text(self) -> str:
        """The size of what is under way, as part of a sentence; nothing while there is none."""
        size = self.sizes.get(self.at)
        return '' if size is None else f' of {size[0]} x {size[1]} (height x width)'

    def _note_size(self, images: Tensor) -> None:
        self.sizes[self.at] = (images.shape[-2], images.shape[-1])

    def _see_input(self, _: Any, __: Any, batch: Any) -> None:
        """The data preprocessor has padded the images of a batch to the size that the network gets."""
        inputs = batch.get('inputs') if isinstance(batch, dict) else None
        if isinstance(inputs, Tensor):
            self._note_size(inputs)

    def after_val_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """End a batch."""
        self.validations.append((self._began - self._then, _now() - self._began))
        self._then = _now()


def _now() -> float:
    """Seconds when all that was asked of the GPU is done."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def _is_finite(value: Any) -> bool:
    return bool(value.isfinite().all()) if isinstance(value, Tensor) else True
