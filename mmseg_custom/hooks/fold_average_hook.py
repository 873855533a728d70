"""What a fold does beyond training: enter the ledger, and fuse the stage when it is the last."""

from functools import partial
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmseg_custom.config import initial_weights_of
from mmseg_custom.datasets.checks.bad_samples import Skipped, skipped_records
from mmseg_custom.engine.distributed.main_process import lead, on_main_process
from mmseg_custom.engine.history import HISTORY_KEY, best_position
from mmseg_custom.engine.resume_points import delete_resume_points
from mmseg_custom.errors import StageError
from mmseg_custom.fusion.classes import check_class_names, check_classes
from mmseg_custom.fusion.ingredients import check_agreement
from mmseg_custom.fusion.rules import FusionRules
from mmseg_custom.fusion.weight_scorer import Scorer, ScoringOrder, WeightScorer
from mmseg_custom.fusion.winner import choose_winner
from mmseg_custom.hooks.monitor import check_monitor
from mmseg_custom.hooks.run_record import last_snapshots, num_folds_of, run_entry, run_name_of, trace
from mmseg_custom.hooks.skipped_samples_hook import SKIPPED_KEY
from mmseg_custom.hooks.stage_checkpoint_hook import StageCheckpointHook, best_checkpoint
from mmseg_custom.hooks.training import is_training
from mmseg_custom.hooks.training_history_hook import monitor_of
from mmseg_custom.io.checkpoints.checkpoint_file import hash_weights, load_weights, plain_data, weights_of
from mmseg_custom.io.files import PathLike
from mmseg_custom.io.lease import RUN_LEASE, Lease, claim, lease
from mmseg_custom.ledger.changes import record_started
from mmseg_custom.ledger.fingerprint import disagreement, fingerprint
from mmseg_custom.ledger.finished import RunStart, check_still_free, start_run
from mmseg_custom.ledger.lineage import Lineage, image_set, lineage_from, lineage_of
from mmseg_custom.ledger.stage_ledger import SNAPSHOTS, Entry, StageLedger, names_of_runs
from mmseg_custom.plan.plan import check_initial_weights


@HOOKS.register_module()
class FoldAverageHook(Hook):
    """Enters a finished run in its stage's ledger; the run that completes the stage fuses the folds.

    After training it scores the run's best checkpoint on the official val split (``test_dataloader``) and records
    it. When all runs of the stage are there, it builds the candidates (best fold, average of all, average of the
    best), scores them and puts the winner where the next stage's ``load_from`` expects it. Every checkpoint of the
    run carries its lineage: which weights it came from and which images they have seen.

    Args:
        stage_dir: The folder of the stage, ``work_dirs/<recipe>/stage<S>``.
        monitor: That of ``default_hooks.history``, which decides. Defaults to ``None``: read there.
        allow_missing: Fuse the other runs when one has failed (diverged); by default the stage waits for it.
        keep_last: Keep and score the weights of the last epoch too, and the average of MMEngine's ``EMAHook`` if
            there is one: the greedy soup takes them. Defaults to ``False``.
        bn_images: As :class:`WeightScorer`.
        **rules: As :class:`FusionRules`.
    """

    priority = 'LOWEST'

    def __init__(
        self,
        stage_dir: PathLike | None,
        monitor: str | None = None,
        allow_missing: bool = False,
        keep_last: bool = False,
        bn_images: int | None = None,
        **rules: Any,
    ) -> None:
        if stage_dir is None:
            raise StageError('Say where the stage is kept: default_hooks.fold_average.stage_dir.')
        self.ledger = StageLedger(stage_dir)
        self.monitor = monitor
        self.allow_missing, self.keep_last, self.bn_images = allow_missing, keep_last, bn_images
        self.rules = FusionRules(**rules)
        self._lineage: Lineage | None = None
        self._held_out_seen = False
        self._run_start = RunStart()
        self._lease: Lease | None = None

    def before_run(self, runner: Runner) -> None:
        """Before training: see that there is something to start from, and whether anything is left to do.

        Raises:
            StageError: If another process trains the run, the run was started with another config or data or is
                finished and would be replaced, or the stage before has no winner, naming the folds that are missing
                and their commands.
        """
        if not is_training(runner):
            return
        self.monitor = monitor_of(runner, self.monitor, 'fold_average')
        for hook in runner.hooks:
            if isinstance(hook, StageCheckpointHook):
                monitor_of(runner, hook.monitor, 'checkpoint')
        check_monitor(runner.val_loop.evaluator, self.monitor)
        runner._load_from = initial_weights_of(runner.cfg, runner._load_from)
        check_classes(runner.model, runner.train_dataloader.dataset)
        self.rules.check_validation(image_set(runner.val_dataloader.dataset))
        self._run_start = on_main_process(partial(self._begin, runner))
        for note in self._run_start.notes:
            runner.logger.warning(note)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Take up the lineage of the weights the run starts or resumes from; which it does, the runner knows."""
        if not is_training(runner):
            return
        meta = checkpoint.get('meta') or {}
        check_class_names(meta, runner.train_dataloader.dataset, str(runner._load_from))
        if runner._resume:
            self._lineage = lineage_of(meta)
        else:
            source = str(runner._load_from)
            self._lineage = lineage_from(meta, source, hash_weights(weights_of(checkpoint, source)))

    def before_train(self, runner: Runner) -> None:
        """Complete the lineage by what the run trains on; a run that is in the ledger trains no more."""
        self._lineage, self._held_out_seen = on_main_process(partial(trace, runner, self._lineage))
        if self._run_start.finished:
            runner.logger.info(f'{run_name_of(runner)} is in {self.ledger.folder}: nothing left to train.')
            runner.train_loop.stop_training = True
        elif is_main_process():
            record_started(runner.cfg, self._lineage)
            self.ledger.forget_failure(run_name_of(runner))

    def after_divergence(self, runner: Runner, reason: str) -> None:
        """Record why the run has failed."""
        if is_main_process():
            self.ledger.record_failure(run_name_of(runner), reason)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Say so where the images of a score were trained on."""
        if is_training(runner) and self._held_out_seen:
            score = f'{self.monitor} {metrics[self.monitor]:.2f}'
            runner.logger.info(f'{score} is on images seen in training: it is optimistically biased.')

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Write the lineage into the checkpoint."""
        checkpoint['meta']['lineage'] = self._lineage

    def after_train(self, runner: Runner) -> None:
        """Record the run, then fuse the stage if it is complete; all processes score, all else is the main one's."""
        scorer = WeightScorer(runner.cfg, self.bn_images)
        lead(lambda score: self._complete(runner, score, scorer.skipped), scorer.together)

    def after_run(self, runner: Runner) -> None:
        """Let others train the run."""
        if self._lease is not None:
            self._lease.release()

    def _begin(self, runner: Runner) -> RunStart:
        """Take the run, and see what of it is to be done."""
        check_initial_weights(runner.cfg, runner._load_from)
        self._lease = claim(Path(runner.work_dir) / RUN_LEASE, f'{runner.work_dir} is being trained')
        run_name = run_name_of(runner)
        run_start = start_run(runner.cfg, self.ledger, run_name, bool(runner._resume))
        others = [name for name in self.ledger.finished_runs() if name != run_name]
        if not run_start.finished:
            check_agreement(self.ledger, {**self.ledger.entries(others), run_name: fingerprint(runner.cfg)}, True)
        return run_start

    def _complete(self, runner: Runner, scorer: Scorer, skipped: Skipped) -> None:
        if not self._run_start.finished:
            self._record(runner, scorer, skipped)
        run_names = self.ledger.awaited(names_of_runs(num_folds_of(runner)), self.allow_missing)
        missing = self.ledger.missing(run_names)
        if missing:
            runner.logger.info(f'{self.ledger.folder.name} waits for {", ".join(missing)}.')
        elif self.ledger.outcome(run_names) is None:
            reason = disagreement(self.ledger.entries(run_names))
            if reason:
                runner.logger.warning(f'{self.ledger.folder.name} is not fused: {reason}. Train its folds alike.')
                return
            self._fuse(runner, run_names, scorer)

    def _record(self, runner: Runner, scorer: Scorer, skipped: Skipped) -> None:
        check_still_free(self.ledger, run_name_of(runner), self._run_start, runner.work_dir)
        history = runner.message_hub.get_info(HISTORY_KEY)
        position = best_position(history, self.monitor)
        if position is None:
            raise StageError(f'No epoch of {run_name_of(runner)} has a finite {self.monitor}: there is no best one.')
        checkpoint = best_checkpoint(runner, self.monitor, history[position])
        best = {**history[position], 'seen': self._held_out_seen}
        entry = run_entry(runner, self.ledger, history, best, self._lineage)
        weights = load_weights(checkpoint)
        others = last_snapshots(runner, hash_weights(weights)) if self.keep_last else {}
        entry.update(self._scored(weights, others, scorer))
        met = runner.message_hub.get_info(SKIPPED_KEY, {})
        entry['skipped'] = skipped_records({**met, 'test': skipped})
        self.ledger.record(run_name_of(runner), entry, checkpoint, others)
        delete_resume_points(runner.work_dir, len(runner.train_dataloader))
        seen = ' (seen)' if entry['best']['seen'] else ''
        runner.logger.info(
            f'{run_name_of(runner)}: {entry["best"]["mIoU"]:.2f} mIoU on held-out fold{seen}, '
            f'{entry["val"]["mIoU"]:.2f} on val.'
        )

    def _scored(self, best: dict, others: dict[str, Entry], scorer: Scorer) -> Entry:
        """Checksum and scores of the best weights, and of the other snapshots that are kept."""
        snapshots = {'best': best, **{kind: other['state_dict'] for kind, other in others.items()}}
        scored = scorer(ScoringOrder(snapshots, parts=self.rules.parts))
        found = {
            kind: {'weights': hash_weights(snapshot), **plain_data(dict(scored[kind].scores))}
            for kind, snapshot in snapshots.items()
        }
        return {**found.pop('best'), **({SNAPSHOTS: found} if found else {})}

    def _fuse(self, runner: Runner, run_names: list[str], scorer: Scorer) -> None:
        with lease(self.ledger.lease_path) as held:
            if held and self.ledger.outcome(run_names) is None:
                outcome = choose_winner(self.ledger, run_names, scorer, self.rules)
                runner.logger.info(
                    f'{outcome["stage"]}: the winner is {outcome["winner"]}, {self.ledger.winner_path}'
                )
