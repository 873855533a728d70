"""The whole recipe: every stage of a plan, every fold of a stage, and the dependency between stages."""

import math
from collections.abc import Callable, Container
from pathlib import Path

from mmseg_custom.config import length_of
from mmseg_custom.datasets.folds.kfold_dataset import is_kfold
from mmseg_custom.datasets.prepare import prepare
from mmseg_custom.engine.history import MONITOR
from mmseg_custom.errors import StageError
from mmseg_custom.fold_settings import validates_on_trained
from mmseg_custom.io.lease import RECIPE_LEASE, RUN_LEASE, sole_process
from mmseg_custom.launchers.pool import Job, Pool
from mmseg_custom.launchers.worker import fuse_stage, train_run
from mmseg_custom.ledger.changes import extension
from mmseg_custom.ledger.stage_ledger import EARLY_STOP, StageLedger
from mmseg_custom.messages import Report
from mmseg_custom.plan.disk_space import check_space
from mmseg_custom.plan.early_stop import explain_not_run, lift_early_stop, stop_without_gain
from mmseg_custom.plan.plan import Plan, PlannedRun, PlannedStage, check_initial_weights
from mmseg_custom.plan.plan_state import PlanState
from mmseg_custom.plan.progress import PlanProgress, RunProgress

ALLOW_MISSING = 'default_hooks.fold_average.allow_missing'


class Recipe:
    """Runs a plan, and goes on where an earlier call stopped.

    Args:
        plan: The stages, their configs and the overrides for these.
        pool: Runs the folds of a stage.
        report: Takes lines for the user.
        keep_going: Fuse a stage without the folds that failed; they are tried again at the next call. Defaults to
            ``False``: a failed fold ends the recipe behind its stage.
        early_stop: End the plan behind a stage whose winner has no significant gain; later calls
            stop there, too. Defaults to ``False``.
        repeat: As :class:`~mmseg_custom.plan.plan_state.PlanState`. Defaults to 0: the plan itself.

    Attributes:
        follow: Takes the progress when the runs begin, to show it; without it each validated epoch is a line.
        state: What of the plan is done.
    """

    def __init__(
        self,
        plan: Plan,
        pool: Pool,
        report: Report,
        keep_going: bool = False,
        early_stop: bool = False,
        repeat: int = 0,
    ) -> None:
        self.plan, self.pool, self.report = plan, pool, report
        self.follow: Callable[[PlanProgress], None] | None = None
        self.keep_going, self.early_stop = keep_going, early_stop
        self.state = PlanState(plan, {ALLOW_MISSING: True} if keep_going else None, repeat)

    def run(
        self,
        stages: Container[int] | None = None,
        folds: Container[int] | None = None,
        force: bool = False,
        past_early_stop: bool = False,
    ) -> None:
        """Train what is missing of the chosen stages and folds, and fuse every stage that is complete.

        Args:
            stages: Numbers of stages; ``None`` for all.
            folds: Numbers of folds; ``None`` for all.
            force: Archive runs whose config, data or initial weights have changed, with all later stages, and train
                them anew.
            past_early_stop: Go on behind the stages that have ended the plan, now and in later calls.

        Raises:
            StageError: If another process runs the recipe, a run has changed, the disk is full, a stage cannot start
                or a run failed; finished runs stay finished.
            RecipeStopped: If the pool was told to stop.
        """
        self.state.read_anew()
        chosen = self._chosen(stages)
        with sole_process(self.state.folder / RECIPE_LEASE, f'{self.plan.path} is being run'):
            self.state.remove_leftovers()
            if force:
                self.state.archive_changes(chosen, folds, self.report)
            if past_early_stop:
                lift_early_stop(self.ledgers())
            self._run_stages(chosen, folds)

    def describe(
        self,
        stages: Container[int] | None = None,
        folds: Container[int] | None = None,
        past_early_stop: bool = False,
    ) -> list[str]:
        """What :meth:`run` would do, a line a run."""
        return self.state.describe(self._chosen(stages), folds, None if past_early_stop else self.state.ended_by())

    def ledgers(self) -> dict[int, StageLedger]:
        """The ledger of each stage, by its number."""
        return self.state.ledgers

    def _chosen(self, stages: Container[int] | None) -> list[PlannedStage]:
        return [stage for stage in self.plan.stages if stages is None or stage.number in stages]

    def _run_stages(self, stages: list[PlannedStage], folds: Container[int] | None) -> None:
        end = self.state.ended_by() or math.inf
        todo = {stage.number: self.state.pending(stage, folds) for stage in stages if stage.number <= end}
        progress = PlanProgress(self._progress_of_runs(todo), None if self.follow else self.report)
        if self.follow:
            self.follow(progress)
        for stage in stages:
            progress.stage = stage.number
            if not self._is_behind_the_end(stage):
                # Anew: what stands on a stage that was trained just now is stale, and named.
                self._run_stage(stage, self.state.pending(stage, folds), progress)
        progress.stage = None

    def _is_behind_the_end(self, stage: PlannedStage) -> bool:
        end = self.state.ended_by()
        if end is None or stage.number <= end:
            return False
        self.report(f'stage {stage.number}: {explain_not_run(end)}; --past-early-stop runs it')
        return True

    def _run_stage(self, stage: PlannedStage, pending: list[PlannedRun], progress: PlanProgress) -> None:
        ledger = self.state.ledger(stage)
        if pending:
            self._train(stage, pending, progress)
        run_names = ledger.awaited(stage.run_names, self.keep_going)
        if not run_names:
            raise StageError(f'All runs of stage {stage.number} have failed: see {ledger.folder}/*.failed.json.')
        missing = ledger.missing(run_names)
        if missing:
            self.report(f'stage {stage.number} waits for {", ".join(missing)}')
            return
        if not self.state.config(stage.runs[0]).default_hooks.fold_average.get('candidates', True):
            return
        if ledger.outcome(run_names) is None:
            self._fuse(stage, ledger)
        if self.early_stop:
            stop_without_gain(ledger)
        self._tell_outcome(stage, ledger)

    def _train(self, stage: PlannedStage, pending: list[PlannedRun], progress: PlanProgress) -> None:
        for run in pending:
            lengths = extension(self.state.config(run), self.state.ledger(stage).entry(run.name))
            if lengths:
                unit = length_of(self.state.config(run))[1]
                self.report(f'stage {stage.number} {run.name}: goes on behind {lengths[0]} of {lengths[1]} {unit}s')
            check_initial_weights(self.state.config(run), self.state.config(run).load_from, self.state.repeat)
        first = self.state.config(stage.runs[0])
        if is_kfold(first.train_dataloader.dataset):
            prepare(first)
        check_space([self.state.config(run) for run in pending], self.pool.jobs)
        jobs = {run.name: self._training(run) for run in pending}
        failed = self.pool.run(list(jobs.values()), progress.tell)
        reasons = {run: str(failed[job.name]) for run, job in jobs.items() if job.name in failed}
        self._settle(reasons, self.state.ledger(stage))

    def _settle(self, failed: dict[str, str], ledger: StageLedger) -> None:
        """End the recipe because of failed runs, or enter them in the ledger and go on without them."""
        if failed and not self.keep_going:
            raise StageError('\n\n'.join(failed.values()))
        known = ledger.failures(list(failed))
        for run_name, reason in failed.items():
            self.report(f'{reason}\nThe stage goes on without {run_name}.')
            if run_name not in known:
                ledger.record_failure(run_name, reason)

    def _fuse(self, stage: PlannedStage, ledger: StageLedger) -> None:
        log = ledger.folder / 'fusing.log'
        args = (str(ledger.folder), str(stage.runs[0].config), self.state.cfg_options, log)
        job = Job(f'fusing stage {stage.number}', fuse_stage, args, log, trains=False, lease=ledger.lease_path)
        failed = self.pool.run([job], lambda _: None)
        if failed:
            raise StageError(str(failed[job.name]))

    def _tell_outcome(self, stage: PlannedStage, ledger: StageLedger) -> None:
        outcome = ledger.outcome()
        assert outcome is not None, 'a stage that was fused has an outcome'
        score = outcome['candidates'][outcome['winner']]['val']['mIoU']
        self.report(f'stage {stage.number}: winner {outcome["winner"]}, {score:.2f} mIoU, {ledger.winner_path}')
        if outcome.get(EARLY_STOP):
            self.report(f'stage {stage.number} ends the plan: {outcome[EARLY_STOP]}.')
        elif self.early_stop and 'gain' not in outcome and self.state.config(stage.runs[0]).load_from:
            self.report(f'stage {stage.number} cannot end the plan: its gain over its initial weights is not known.')

    def _training(self, run: PlannedRun) -> Job:
        cfg = self.state.config(run)
        folder = Path(cfg.work_dir)
        log = folder / 'train.log'
        args, lease = (cfg, run.full_name, log), folder / RUN_LEASE
        return Job(f'stage {run.stage} {run.name}', train_run, args, log, lease=lease)

    def _progress_of_runs(self, todo: dict[int, list[PlannedRun]]) -> dict[str, RunProgress]:
        return {run.full_name: self._progress_of(run) for pending in todo.values() for run in pending}

    def _progress_of(self, run: PlannedRun) -> RunProgress:
        cfg = self.state.config(run)
        monitor = (cfg.default_hooks.get('history') or {}).get('monitor', MONITOR)
        monitor = None if validates_on_trained(cfg) else monitor
        return RunProgress(run.full_name, run.stage, run.name, *length_of(cfg), monitor)
