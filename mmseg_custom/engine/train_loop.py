"""A training loop that can start in the middle of an epoch."""

from collections.abc import Iterator
from typing import Any

from mmengine.dataset import DefaultSampler
from mmengine.runner import BaseLoop, EpochBasedTrainLoop, IterBasedTrainLoop
from mmseg.registry import LOOPS
from torch import nn
from torch.utils.data import DataLoader, Sampler

from mmseg_custom.errors import UserError

AWAITS_VALIDATION = 'awaits_validation'
EPOCH_LENGTH = 'epoch_length'


class ResumeError(UserError, RuntimeError):
    """A run that cannot go on from its resume point; the message says why."""


class ExactResume:
    """What loops over epochs and over iterations share: they go on with the very sample that comes next."""

    def _validate_if_awaited(self) -> None:
        """Make up for the validation that was interrupted."""
        if self.runner.message_hub.get_info(AWAITS_VALIDATION, False) and not self.stop_training:
            self.runner.val_loop.run()

    def _rest_of_epoch(self, done: int) -> Iterator[dict]:
        """The batches behind the first ``done`` of the sampler's epoch, each sample seen by one process."""
        if done == len(self.dataloader):
            return
        if done:
            self.dataloader.sampler.skip_in_epoch(done * self.dataloader.batch_size)
        for position, batch in enumerate(self.dataloader, start=done + 1):
            yield without_padding(batch, self.dataloader) if position == len(self.dataloader) else batch

    def _refuse_other_length(self) -> None:
        now = len(self.dataloader)
        before = self.runner.message_hub.get_info(EPOCH_LENGTH, now)
        if before != now:
            raise ResumeError(
                f'The resume point in {self.runner.work_dir} was written when an epoch had {before} batches; now it '
                f'has {now}. Take back the change of the data or the batch size, or start without --resume.'
            )
        self.runner.message_hub.update_info(EPOCH_LENGTH, now)


@LOOPS.register_module()
class ResumableTrainLoop(ExactResume, EpochBasedTrainLoop):
    """MMEngine's loop over epochs, which also goes on within an epoch and between training and validation.

    How far an epoch is follows from the counters: a run with ``iter`` iterations and ``epoch`` finished epochs behind
    it has done ``iter - epoch * length`` of the batches of the next one. Whether a trained epoch still awaits its
    validation is in the message hub. Of several processes each sample of an epoch is seen by one, although the
    sampler repeats some to give all the same number. Arguments as MMEngine's ``EpochBasedTrainLoop``.
    """

    def run(self) -> nn.Module:
        """Train, and validate as often as asked for.

        Raises:
            ResumeError: If an epoch has another number of batches than when the resume point was written.
        """
        self.runner.call_hook('before_train')
        self._refuse_other_length()
        self._refuse_other_sampler()
        self._validate_if_awaited()
        while self._epoch < self._max_epochs and not self.stop_training:
            self.run_epoch()
            self._decide_current_val_interval()
            if self._validation_is_due():
                self.runner.val_loop.run()
        self.runner.call_hook('after_train')
        return self.runner.model

    def run_epoch(self) -> None:
        """Train on the batches of the epoch that are left."""
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        done = batches_done(self)
        for position, batch in enumerate(self._rest_of_epoch(done), start=done):
            self.run_iter(position, batch)
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1

    def _validation_is_due(self) -> bool:
        at_interval = self._epoch % self.val_interval == 0 or self._epoch == self._max_epochs
        return self.runner.val_loop is not None and self._epoch >= self.val_begin and at_interval

    def _refuse_other_sampler(self) -> None:
        if batches_done(self) and not hasattr(self.dataloader.sampler, 'skip_in_epoch'):
            raise ResumeError(
                f'train_dataloader.sampler {type(self.dataloader.sampler).__name__} cannot skip what an interrupted '
                'epoch has seen: use SeededSampler, or start without --resume.'
            )


def batches_done(loop: BaseLoop) -> int:
    """The number of batches of the current epoch that the network has been trained on."""
    if isinstance(loop, IterBasedTrainLoop):
        return loop.iter % len(loop.dataloader)
    return loop.iter - loop.epoch * len(loop.dataloader)


def without_padding(batch: dict, loader: DataLoader) -> dict:
    """A process's last batch of an epoch without the sample that another process has as well.

    MMEngine's sampler repeats samples until every process has the same number, at most one a process. If that is
    all there is in the batch, it stays, none of its pixels counting: no process may leave out a step.

    Args:
        batch: A list by key, as MMEngine collates it.
        loader: Where it comes from.
    """
    if not _ends_with_padding(loader.sampler) or len(loader.sampler) > len(loader) * loader.batch_size:
        return batch
    if len(batch['data_samples']) > 1:
        return {key: values[:-1] for key, values in batch.items()}
    batch['data_samples'][0].gt_sem_seg.data.fill_(_ignore_index(loader.dataset))
    return batch


def _ignore_index(dataset: Any) -> int:
    """The label that does not count, of a data set or of the first that a wrapper of MMEngine holds."""
    while not hasattr(dataset, 'ignore_index'):
        dataset = dataset.datasets[0] if hasattr(dataset, 'datasets') else dataset.dataset
    return dataset.ignore_index


def _ends_with_padding(sampler: Sampler) -> bool:
    repeats = isinstance(sampler, DefaultSampler) and sampler.round_up
    return repeats and (len(sampler) - 1) * sampler.world_size + sampler.rank >= len(sampler.dataset)
