"""Keeps the list of the samples that a run could not use."""

from typing import Any

from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmseg_custom.datasets.checks.bad_samples import Skipped, skipped_in
from mmseg_custom.hooks.training import is_training

SKIPPED_KEY = 'skipped'


@HOOKS.register_module()
class SkippedSamplesHook(Hook):
    """Notes which samples a data set with ``on_bad_sample='skip'`` has left out, and warns of each once.

    It learns of them from the batches, whichever process made them. The list is in the message hub, by loader, and
    so in every resume point; the run's ledger entry takes it from there.
    """

    # Before the hooks that save: what was skipped in a step is in its checkpoint.
    priority = 'ABOVE_NORMAL'

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None, outputs: Any = None
    ) -> None:
        """Note what a training batch had to do without."""
        self._note(runner, 'train', skipped_in(data_batch))

    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None, outputs: Any = None
    ) -> None:
        """Note what is missing in the validation score."""
        self._note(runner, 'val', skipped_in(data_batch))

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None, outputs: Any = None
    ) -> None:
        """Note what is missing in the test score."""
        self._note(runner, 'test', skipped_in(data_batch))

    def after_train_epoch(self, runner: Runner) -> None:
        """Tell each other, if there are several processes."""
        self._share(runner)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Tell each other, if there are several processes."""
        if is_training(runner):
            self._share(runner)

    def _note(self, runner: Runner, loader: str, found: Skipped) -> None:
        if not found:
            return
        skipped = runner.message_hub.get_info(SKIPPED_KEY, {})
        known = skipped.get(loader, {})
        for file, reason in found.items():
            if file not in known:
                place = 'another image takes its place' if loader == 'train' else 'it is left out of the score'
                runner.logger.warning(f'{file} cannot be used in {loader}: {reason}; {place}.')
        runner.message_hub.update_info(SKIPPED_KEY, {**skipped, loader: {**found, **known}})

    def _share(self, runner: Runner) -> None:
        if runner.world_size > 1:
            for others in all_gather_object(runner.message_hub.get_info(SKIPPED_KEY, {})):
                for loader, found in others.items():
                    self._note(runner, loader, found)
