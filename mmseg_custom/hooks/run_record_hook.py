"""Enters a run in the ledger of its stage."""

from functools import partial

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmseg_custom.datasets.checks.bad_samples import Skipped, skipped_records
from mmseg_custom.engine.distributed.main_process import lead, on_main_process
from mmseg_custom.engine.history import HISTORY_KEY, chosen_position
from mmseg_custom.engine.resume_points import delete_resume_points
from mmseg_custom.errors import StageError
from mmseg_custom.fold_settings import INNER
from mmseg_custom.fusion.ingredients import check_agreement
from mmseg_custom.fusion.rules import FusionRules
from mmseg_custom.fusion.weight_scorer import HELD_OUT, VAL, Scorer, ScoringOrder, WeightScorer
from mmseg_custom.hooks.lineage_hook import lineage_hook_of
from mmseg_custom.hooks.run_record import last_snapshots, run_entry, run_name_of
from mmseg_custom.hooks.skipped_samples_hook import SKIPPED_KEY
from mmseg_custom.hooks.stage_checkpoint_hook import best_checkpoint
from mmseg_custom.hooks.training import is_training
from mmseg_custom.hooks.training_history_hook import history_hook_of
from mmseg_custom.io.checkpoints.checkpoint_file import hash_weights, load_weights, plain_data
from mmseg_custom.ledger.changes import record_started
from mmseg_custom.ledger.fingerprint import fingerprint
from mmseg_custom.ledger.finished import RunStart, check_still_free, start_run
from mmseg_custom.ledger.held_out_counts import HeldOutCounts
from mmseg_custom.ledger.stage_ledger import SNAPSHOTS, Entry, StageLedger


@HOOKS.register_module()
class RunRecordHook(Hook):
    """Scores the best weights of a run on the official val split (``test_dataloader``) and records the run.

    The stage and what is kept of a run are in ``default_hooks.fold_average``; without that hook a run belongs to no
    stage and is not recorded. A run that is in the ledger trains no more.
    """

    priority = 'LOWEST'

    def __init__(self) -> None:
        self._run_start = RunStart()

    def before_run(self, runner: Runner) -> None:
        """See whether anything is left to do.

        Raises:
            StageError: If the run was started with another config or data, or is finished and would be replaced.
        """
        if is_training(runner) and _has_stage(runner):
            self._run_start = on_main_process(partial(self._start, runner))
            for note in self._run_start.notes:
                runner.logger.warning(note)

    def before_train(self, runner: Runner) -> None:
        """Note what is trained, or that nothing is left to train."""
        if not _has_stage(runner):
            return
        ledger = ledger_of(runner)
        if self._run_start.finished:
            runner.logger.info(f'{run_name_of(runner)} is in {ledger.folder}: nothing left to train.')
            runner.train_loop.stop_training = True
        elif is_main_process():
            record_started(runner.cfg, lineage_hook_of(runner).lineage)
            ledger.forget_failure(run_name_of(runner))

    def after_divergence(self, runner: Runner, reason: str) -> None:
        """Record why the run has failed."""
        if is_main_process() and _has_stage(runner):
            ledger_of(runner).record_failure(run_name_of(runner), reason)

    def after_train(self, runner: Runner) -> None:
        """Record the run; all processes score, all else is the main one's."""
        if _has_stage(runner) and not self._run_start.finished:
            scorer = WeightScorer(runner.cfg)
            lead(lambda score: self._record(runner, score, scorer.skipped), scorer.together)

    def _start(self, runner: Runner) -> RunStart:
        ledger, name = ledger_of(runner), run_name_of(runner)
        run_start = start_run(runner.cfg, ledger, name, bool(runner._resume))
        others = [other for other in ledger.finished_runs() if other != name]
        if not run_start.finished:
            check_agreement(ledger, {**ledger.entries(others), name: fingerprint(runner.cfg)}, True)
        return run_start

    def _record(self, runner: Runner, scorer: Scorer, skipped: Skipped) -> None:
        ledger, name, history_hook = ledger_of(runner), run_name_of(runner), history_hook_of(runner)
        monitor = history_hook.monitor
        check_still_free(ledger, name, self._run_start, runner.work_dir)
        history = runner.message_hub.get_info(HISTORY_KEY)
        position = chosen_position(history, monitor, history_hook.select)
        if position is None:
            raise StageError(f'No epoch of {name} has a finite {monitor}: there is no best one.')
        checkpoint = best_checkpoint(runner, monitor, history[position])
        known = lineage_hook_of(runner)
        chosen = {'monitor': monitor, 'select': history_hook.select}
        entry = chosen | run_entry(
            runner, ledger, history, {**history[position], 'seen': known.held_out_seen}, known.lineage
        )
        weights, settings = load_weights(checkpoint), runner.cfg.default_hooks.fold_average
        others = last_snapshots(runner, hash_weights(weights)) if settings.get('keep_last') else {}
        scored, counts = _scored(weights, others, scorer, FusionRules.of(settings).parts_of_a_run)
        entry.update(scored)
        met = runner.message_hub.get_info(SKIPPED_KEY, {})
        entry['skipped'] = skipped_records({**met, 'test': skipped})
        ledger.record(name, entry, checkpoint, others, counts)
        delete_resume_points(runner.work_dir, len(runner.train_dataloader))
        seen = ' (seen)' if known.held_out_seen else ''
        where = 'inner part' if history_hook.select == INNER else 'held-out fold'
        on_val = f', {entry[VAL]["mIoU"]:.2f} mIoU on val' if VAL in entry else ''
        runner.logger.info(f'{name}: {monitor} {entry["best"][monitor]:.2f} on its {where}{seen}{on_val}.')


def _has_stage(runner: Runner) -> bool:
    return bool(runner.cfg.get('default_hooks', {}).get('fold_average'))


def ledger_of(runner: Runner) -> StageLedger:
    """The ledger of the stage that a run belongs to.

    Raises:
        StageError: If the config does not say where it is.
    """
    stage_dir = runner.cfg.default_hooks.fold_average.get('stage_dir')
    if stage_dir is None:
        raise StageError('Say where the stage is kept: default_hooks.fold_average.stage_dir.')
    return StageLedger(stage_dir)


def _scored(
    best: dict, others: dict[str, Entry], scorer: Scorer, parts: tuple[str, ...]
) -> tuple[Entry, HeldOutCounts | None]:
    """Checksum and scores of the best weights, of the other snapshots that are kept, and counts out of fold."""
    snapshots = {'best': best, **{kind: other['state_dict'] for kind, other in others.items()}}
    scored = scorer(ScoringOrder(snapshots, parts=parts))
    found = {
        kind: {'weights': hash_weights(snapshot), **plain_data(dict(scored[kind].scores))}
        for kind, snapshot in snapshots.items()
    }
    counts = None
    if HELD_OUT in parts:
        counts = HeldOutCounts.of(scored['best'].paths[HELD_OUT], scored['best'].matrices[HELD_OUT])
    return {**found.pop('best'), **({SNAPSHOTS: found} if found else {})}, counts
