"""Ends a run whose numbers are no longer finite, before anything of it is saved."""

from collections import deque
from collections.abc import Mapping
from itertools import chain
from typing import Any

import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import Tensor
from torch.nn.utils import get_total_norm
from torch.optim import Optimizer

from mmseg_custom.engine.resume_points import resume_points
from mmseg_custom.errors import UserError
from mmseg_custom.hooks.training import counts_iterations
from mmseg_custom.io.checkpoints.checkpoint_file import is_finite

WATCHED = ('loss', 'gradient')
MIN_LOSS_SCALE = 1e-4  # Below it fairseq, too, takes a run in float16 for lost.


class DivergenceError(UserError, RuntimeError):
    """A training whose loss, gradient or weights are not finite."""


@HOOKS.register_module()
class DivergenceHook(Hook):
    """Watches the loss and the gradient of every step, and the weights of every file.

    How many steps in a row were finite is counted on the device, and read every ``interval`` iterations, at the end
    of an epoch and before each save: training never waits for it, and no file ever holds what came behind the first
    bad step. A step that the loss scaler of mixed precision leaves out for its infinite gradient is none; a scale
    that has fallen to nothing ends the run. Of several processes each counts its own loss, and all end together.

    Before it raises, it calls ``after_divergence(runner, reason)`` of all hooks.

    Args:
        interval: Iterations between two looks. Defaults to 50.
    """

    # Before the others' work at the end of a step and epoch: what has diverged is neither scored nor saved.
    priority = 'HIGH'

    def __init__(self, interval: int = 50) -> None:
        self.interval = interval
        self._images: deque[list[str]] = deque(maxlen=interval)
        self._norm: Tensor | None = None
        self._watching: Any = None
        self._finite: Tensor | None = None
        self._steps: Tensor | None = None

    def before_train(self, runner: Runner) -> None:
        """Look at the gradient of every step from now on."""
        self._watching = runner.optim_wrapper.optimizer.register_step_pre_hook(self._measure_gradient)
        self._start_over()

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None, outputs: dict | None = None
    ) -> None:
        """Count the step if it and all since the last look are finite; look when it is time to."""
        loss = outputs['loss'].detach().float()
        norm = torch.zeros_like(loss) if self._norm is None else self._norm.to(loss)
        finite = torch.stack([loss, norm]).isfinite()
        self._finite = finite if self._finite is None else finite & self._finite
        self._steps = self._finite.float() if self._steps is None else self._steps + self._finite
        self._norm = None
        self._images.append([sample.get('img_path', '?') for sample in (data_batch or {}).get('data_samples', ())])
        if len(self._images) == self.interval:
            self._look(runner, runner.iter + 1)
            self._start_over()

    def after_train_epoch(self, runner: Runner) -> None:
        """Look before the epoch is validated."""
        self._look(runner, runner.iter)
        self._start_over()

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Look at the steps since the last time, and at the weights; only the main process comes here.

        Raises:
            DivergenceError: If one is not finite; the file is not written.
        """
        self._look(runner, checkpoint['meta']['iter'], together=False)
        wrong = non_finite_entries(checkpoint['state_dict'])
        if wrong:
            self._stop(runner, f'{len(wrong)} weights are not finite ({", ".join(wrong[:3])})', [])

    def after_train(self, runner: Runner) -> None:
        """Leave the optimizer as it was."""
        self._watching.remove()

    def _measure_gradient(self, optimizer: Optimizer, args: tuple, kwargs: dict) -> None:
        gradients = [p.grad for group in optimizer.param_groups for p in group['params'] if p.grad is not None]
        self._norm = get_total_norm(gradients)
        left_out = getattr(optimizer, 'found_inf', None)  # A fused optimizer leaves the step out by itself.
        if left_out is not None:
            self._norm = torch.where(left_out.to(self._norm) > 0, torch.zeros_like(self._norm), self._norm)

    def _look(self, runner: Runner, iteration: int, together: bool = True) -> None:
        """Raise if a step since the last look, up to ``iteration``, was not finite."""
        images, steps = list(self._images), self._steps
        if not images:
            return
        if together:
            all_reduce(steps, 'min')
        finite = [int(count) for count in steps.tolist()]
        good = min(finite)
        if good < len(images):
            first = iteration - len(images) + 1
            what = WATCHED[finite.index(good)]
            reason = f'the {what} of iteration {first + good} is not finite (looked at {first} to {iteration})'
            self._stop(runner, reason, images[max(0, good - 1) : good + 1])
        scaler = getattr(runner.optim_wrapper, 'loss_scaler', None)
        if scaler is not None and scaler.get_scale() < MIN_LOSS_SCALE:
            reason = f'the loss scale has fallen to {scaler.get_scale():g}: no gradient is finite'
            self._stop(runner, reason, images[-1:])

    def _stop(self, runner: Runner, reason: str, images: list[list[str]]) -> None:
        points = resume_points(runner.work_dir, len(runner.train_dataloader))
        good = f'The last good state is {points[0]}' if points else 'There is no resume point yet'
        lr = runner.optim_wrapper.get_lr()['lr'][0]
        files = ', '.join(chain.from_iterable(images))
        shown = f' Its images and those of the step before: {files}.' if files else ''
        message = (
            f'Training has diverged in {_where(runner)}: {reason}. Nothing of it is saved.{shown} Look at '
            f'these files; lower the learning rate (optim_wrapper.optimizer.lr, now {lr:g}) or clip gradients '
            f'(optim_wrapper.clip_grad), and start the run anew. {good}; unchanged it would end the same again.'
        )
        runner.call_hook('after_divergence', reason=message)
        raise DivergenceError(message)

    def _start_over(self) -> None:
        self._finite = self._steps = None
        self._images.clear()


def _where(runner: Runner) -> str:
    """The epoch, where there are epochs; the reason names the iteration."""
    return 'this run' if counts_iterations(runner) else f'epoch {runner.epoch + 1}'


def non_finite_entries(weights: Mapping[str, Tensor]) -> list[str]:
    """The keys of a state dict's entries that hold NaN or infinity."""
    return [key for key, value in weights.items() if not is_finite(value)]
