"""What a fold does beyond training: enter the ledger, and fuse the stage when it is the last."""

import os
from functools import partial
from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmseg_custom.datasets.bad_samples import Skipped, skipped_records
from mmseg_custom.engine.checkpoint_io import hash_weights, load_weights, plain_data
from mmseg_custom.engine.files import PathLike
from mmseg_custom.engine.history import HISTORY_KEY, best_position
from mmseg_custom.engine.hooks.skipped_samples_hook import SKIPPED_KEY
from mmseg_custom.engine.hooks.stage_checkpoint_hook import best_checkpoint
from mmseg_custom.engine.hooks.training import is_training
from mmseg_custom.engine.main_process import lead, on_main_process
from mmseg_custom.engine.resume_points import delete_resume_points
from mmseg_custom.stack import versions
from mmseg_custom.stages.changes import change_of, record_start
from mmseg_custom.stages.classes import check_class_names, check_classes
from mmseg_custom.stages.fingerprint import fingerprint
from mmseg_custom.stages.lease import RUN_LEASE, Lease, claim, lease
from mmseg_custom.stages.ledger import Entry, StageError, StageLedger, member_name, member_names
from mmseg_custom.stages.lineage import SCRATCH, continue_lineage, has_seen, image_set
from mmseg_custom.stages.plan import check_start
from mmseg_custom.stages.scoring import WeightScorer
from mmseg_custom.stages.winner import Scorer, choose_winner


@HOOKS.register_module()
class FoldAverageHook(Hook):
    """Enters a finished run in its stage's ledger; the run that completes the stage fuses the folds.

    After training it scores the run's best checkpoint on the official val split (``test_dataloader``) and records
    it. When all runs of the stage are there, it builds the candidates (best fold, average of all, average of the
    best), scores them and puts the winner where the next stage's ``load_from`` expects it. Every checkpoint of the
    run carries its lineage: which weights it came from and which images they have seen.

    Args:
        stage_dir: The folder of the stage, ``work_dirs/<recipe>/stage<S>``.
        monitor: Metric that decides which epoch is the best, higher is better. Defaults to ``'mIoU'``.
        allow_missing: Fuse the other runs when one has failed (diverged); by default the stage waits for it.
    """

    priority = 'LOWEST'

    def __init__(self, stage_dir: PathLike | None, monitor: str = 'mIoU', allow_missing: bool = False) -> None:
        if stage_dir is None:
            raise StageError('Say where the stage is kept: default_hooks.fold_average.stage_dir.')
        self.ledger = StageLedger(stage_dir)
        self.monitor = monitor
        self.allow_missing = allow_missing
        self._lineage: dict | None = None
        self._finished = False
        self._lease: Lease | None = None

    def before_run(self, runner: Runner) -> None:
        """Before training: see that there is something to start from, and whether anything is left to do.

        Raises:
            StageError: If another process trains the run, the run was begun with another config or data, or the stage
                before has no winner, naming the folds that are missing and their commands.
        """
        if not is_training(runner):
            return
        check_classes(runner.model, runner.train_dataloader.dataset)
        self._finished = on_main_process(partial(self._begin, runner))

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Take up the lineage of the weights the run starts or resumes from."""
        if not is_training(runner):
            return
        meta = checkpoint.get('meta') or {}
        check_class_names(meta, runner.train_dataloader.dataset, str(runner._load_from))
        if 'optimizer' in checkpoint:
            self._lineage = meta.get('lineage')
            return
        weights = hash_weights(checkpoint.get('state_dict', checkpoint))
        images = image_set(runner.train_dataloader.dataset)
        self._lineage = continue_lineage(meta, str(runner._load_from), weights, images)

    def before_train(self, runner: Runner) -> None:
        """Complete the lineage of a run from scratch; a run that is in the ledger trains no more."""
        if self._lineage is None:
            self._lineage = {**SCRATCH, 'seen': [image_set(runner.train_dataloader.dataset)]}
        if self._finished:
            runner.logger.info(f'{self._member(runner)} is in {self.ledger.folder}: nothing left to train.')
            runner.train_loop.stop_training = True
        elif is_main_process():
            record_start(runner.cfg, self._lineage)
            self.ledger.forget_failure(self._member(runner))

    def after_divergence(self, runner: Runner, reason: str) -> None:
        """Record why the run has failed."""
        if is_main_process():
            self.ledger.record_failure(self._member(runner), reason)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Write the lineage into the checkpoint."""
        checkpoint['meta']['lineage'] = self._lineage

    def after_train(self, runner: Runner) -> None:
        """Record the run, then fuse the stage if it is complete; all processes score, all else is the main one's."""
        scorer = WeightScorer(runner.cfg)
        lead(lambda score: self._complete(runner, score, scorer.skipped), scorer)

    def after_run(self, runner: Runner) -> None:
        """Let others train the run."""
        if self._lease is not None:
            self._lease.release()

    def _begin(self, runner: Runner) -> bool:
        """Take the run; whether nothing of it is left to train."""
        check_start(runner.cfg.filename or 'this config', runner._load_from)
        self._lease = claim(Path(runner.work_dir) / RUN_LEASE, f'{runner.work_dir} is being trained')
        return bool(runner._resume) and self._entry_of_this_run(runner) is not None

    def _complete(self, runner: Runner, scorer: Scorer, skipped: Skipped) -> None:
        if not self._finished:
            self._record(runner, scorer, skipped)
        members = self.ledger.awaited(member_names(self._num_folds(runner)), self.allow_missing)
        missing = self.ledger.missing(members)
        if missing:
            runner.logger.info(f'{self.ledger.folder.name} waits for {", ".join(missing)}.')
        elif self.ledger.outcome(members) is None:
            self._fuse(runner, members, scorer)

    def _record(self, runner: Runner, scorer: Scorer, skipped: Skipped) -> None:
        history = runner.message_hub.get_info(HISTORY_KEY)
        position = best_position(history, self.monitor)
        if position is None:
            raise StageError(f'No epoch of {self._member(runner)} has a finite {self.monitor}: there is no best one.')
        checkpoint = best_checkpoint(runner.work_dir, self.monitor, history[position]['epoch'])
        weights = load_weights(checkpoint)
        val = scorer(weights)
        entry = self._entry(runner, history, history[position], weights, val)
        met = runner.message_hub.get_info(SKIPPED_KEY, {})
        entry['skipped'] = skipped_records({**met, 'test': skipped})
        self.ledger.record(self._member(runner), entry, checkpoint)
        delete_resume_points(runner.work_dir)

    def _entry(self, runner: Runner, history: list, best: dict, weights: dict, val: dict) -> Entry:
        own_part = image_set(runner.val_dataloader.dataset)
        return {
            'stage': self.ledger.folder.name,
            'fold': self._fold(runner),
            'num_folds': self._num_folds(runner),
            'config': os.path.relpath(runner.cfg.filename) if runner.cfg.filename else None,
            **fingerprint(runner.cfg),
            'seed': runner.seed,
            'weights': hash_weights(weights),
            'best': {**best, 'part': own_part, 'seen': has_seen(self._lineage['seen'], own_part)},
            'val': plain_data(val),
            'history': history,
            'lineage': self._lineage,
            'seconds': round(sum(record['seconds'] for record in history), 1),
            'versions': versions(),
        }

    def _fuse(self, runner: Runner, members: list[str], scorer: Scorer) -> None:
        with lease(self.ledger.lease_path) as held:
            if held:
                outcome = choose_winner(self.ledger, members, scorer)
                runner.logger.info(
                    f'{outcome["stage"]}: the winner is {outcome["winner"]}, {self.ledger.winner_path}'
                )

    def _entry_of_this_run(self, runner: Runner) -> Entry | None:
        member = self._member(runner)
        entry = self.ledger.entry(member)
        change = change_of(runner.cfg, entry)
        if change:
            raise StageError(
                f'{member} of {self.ledger.folder} {change}. Take the change back, or start it without --resume to '
                'train it anew.'
            )
        return entry

    @staticmethod
    def _member(runner: Runner) -> str:
        return member_name(FoldAverageHook._fold(runner))

    @staticmethod
    def _fold(runner: Runner) -> int | None:
        return getattr(runner.train_dataloader.dataset, 'fold', None)

    @staticmethod
    def _num_folds(runner: Runner) -> int | None:
        dataset = runner.train_dataloader.dataset
        return None if FoldAverageHook._fold(runner) is None else dataset.folds['num_folds']
