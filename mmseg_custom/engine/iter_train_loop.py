"""A training loop over iterations that goes on with the very sample that comes next."""

from collections.abc import Iterator
from itertools import count
from typing import Any

from mmengine.registry import LOOPS as MMENGINE_LOOPS
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop
from mmseg.registry import LOOPS
from torch import nn

from mmseg_custom.datasets.samplers.seeded_infinite_sampler import SeededInfiniteSampler
from mmseg_custom.engine.history import HISTORY_KEY
from mmseg_custom.engine.train_loop import AWAITS_VALIDATION, ExactResume
from mmseg_custom.errors import UserError


class LoopError(UserError, RuntimeError):
    """A training loop that is described in two ways at once."""


@LOOPS.register_module()
class ResumableIterTrainLoop(ExactResume, IterBasedTrainLoop):
    """MMEngine's loop over iterations, which also goes on between training and validation.

    ``SeededInfiniteSampler`` starts where the run is. The other samplers of this project are gone through epoch after
    epoch, as ``ResumableTrainLoop`` does: a run with ``iter`` iterations behind it has done ``iter % length`` of the
    batches of epoch ``iter // length``. Those of MMEngine are advanced as it does it. ``epoch`` stays 0, as
    there. Arguments as MMEngine's ``IterBasedTrainLoop``.
    """

    def run(self) -> nn.Module:
        """Train, and validate as often as asked for.

        Raises:
            ResumeError: As :meth:`ResumableTrainLoop.run`.
        """
        self.runner.call_hook('before_train')
        self._refuse_other_length()
        self.runner.call_hook('before_train_epoch')
        self._validate_if_awaited()
        batches = self._batches()
        while self._iter < self._max_iters and not self.stop_training:
            self.runner.model.train()
            self.run_iter(next(batches))
            self._decide_current_val_interval()
            if self._validation_is_due():
                self.runner.val_loop.run()
        self.runner.call_hook('after_train_epoch')
        self.runner.call_hook('after_train')
        return self.runner.model

    def _batches(self) -> Iterator[Any]:
        """Batches without end, from the first that the network has not been trained on."""
        if isinstance(self.dataloader.sampler, SeededInfiniteSampler):
            self.dataloader.sampler.skip(self._iter * self.dataloader.batch_size)
            yield from self.dataloader
        if not hasattr(self.dataloader.sampler, 'skip_in_epoch'):
            self._advance()
            yield from self.dataloader_iterator
        first, done = divmod(self._iter, len(self.dataloader))
        for epoch in count(first):
            self.dataloader.sampler.set_epoch(epoch)
            yield from self._rest_of_epoch(done if epoch == first else 0)

    def _validate_if_awaited(self) -> None:
        """Make up for the validation of the last step, also where the point was written before it began."""
        self._decide_current_val_interval()
        history = self.runner.message_hub.get_info(HISTORY_KEY) or []
        is_validated = bool(history) and history[-1]['iter'] == self._iter
        if self._iter and self._validation_is_due() and not is_validated:
            self.runner.message_hub.update_info(AWAITS_VALIDATION, True)
        super()._validate_if_awaited()

    def _advance(self) -> None:
        """Leave out what was trained on; only newer MMEngine can do that without loading it."""
        if getattr(self, 'fast_forward_on_resume', False):
            return
        if hasattr(self.dataloader_iterator, 'skip_iter'):
            self.dataloader_iterator.skip_iter(self._iter)
            return
        for _ in range(self._iter):
            next(self.dataloader_iterator)

    def _validation_is_due(self) -> bool:
        at_interval = self._iter % self.val_interval == 0 or self._iter == self._max_iters
        return self.runner.val_loop is not None and self._iter >= self.val_begin and at_interval


def resumable(loop: dict) -> dict:
    """The config of a training loop, MMEngine's own replaced by the resumable ones; any other type stays.

    Raises:
        LoopError: If it has a type and ``by_epoch``.
    """
    if 'type' in loop and 'by_epoch' in loop:
        raise LoopError(
            f'Only one of `type` or `by_epoch` can exist in `loop_cfg`: train_cfg has type={loop["type"]!r} and '
            f'by_epoch={loop["by_epoch"]!r}, one of them from a base config. Write '
            'train_cfg=dict(_delete_=True, ...).'
        )
    kept = {key: value for key, value in loop.items() if key != 'by_epoch'}
    kind = loop.get('type', EpochBasedTrainLoop if loop.get('by_epoch') else IterBasedTrainLoop)
    kind = MMENGINE_LOOPS.get(kind) if isinstance(kind, str) else kind
    if kind is EpochBasedTrainLoop:
        return {**kept, 'type': 'mmseg.ResumableTrainLoop'}
    if kind is IterBasedTrainLoop:
        return {**kept, 'type': 'mmseg.ResumableIterTrainLoop'}
    return loop
