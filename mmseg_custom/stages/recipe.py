"""The whole recipe: every stage of a plan, every fold of a stage, and the barrier between stages."""

from collections.abc import Callable, Container
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg_custom.datasets.prepare import prepare
from mmseg_custom.engine.files import remove_leftovers
from mmseg_custom.stages.changes import change_of, put_aside, remove_leftovers_of_run
from mmseg_custom.stages.launch import load_run_config
from mmseg_custom.stages.lease import RECIPE_LEASE, RUN_LEASE, sole_process
from mmseg_custom.stages.ledger import StageError, StageLedger
from mmseg_custom.stages.plan import Plan, PlannedRun, PlannedStage, check_start
from mmseg_custom.stages.pool import Job, Pool
from mmseg_custom.stages.progress import PlanProgress, RunProgress
from mmseg_custom.stages.space import check_space
from mmseg_custom.stages.worker import fuse_stage, train_run

ALLOW_MISSING = 'default_hooks.fold_average.allow_missing'

Report = Callable[[str], None]


class Recipe:
    """Runs a plan, and goes on where an earlier call stopped.

    Args:
        plan: The stages and their configs.
        pool: Runs the folds of a stage.
        report: Takes lines for the user.
        cfg_options: Overrides for every config, by dotted key.
        keep_going: Fuse a stage without the folds that failed; they are tried again at the next call. Defaults to
            ``False``: a failed fold ends the recipe behind its stage.

    Attributes:
        follow: Takes the progress when the runs begin, to show it; without it each validated epoch is a line.
    """

    def __init__(
        self,
        plan: Plan,
        pool: Pool,
        report: Report,
        cfg_options: dict[str, Any] | None = None,
        keep_going: bool = False,
    ) -> None:
        self.plan, self.pool, self.report = plan, pool, report
        self.follow: Callable[[PlanProgress], None] | None = None
        self.keep_going = keep_going
        self.cfg_options = {**(cfg_options or {}), ALLOW_MISSING: True} if keep_going else cfg_options
        self._configs: dict[PlannedRun, Config] = {}

    def run(
        self, stages: Container[int] | None = None, folds: Container[int] | None = None, force: bool = False
    ) -> None:
        """Train what is missing of the chosen stages and folds, and fuse every stage that is complete.

        Args:
            stages: Numbers of stages; ``None`` for all.
            folds: Numbers of folds; ``None`` for all.
            force: Put runs whose config, data or start has changed aside, with all stages behind them, and train
                them anew.

        Raises:
            StageError: If another process runs the recipe, a run has changed, there is no room, a stage cannot start
                or a run failed; finished runs stay finished.
            RecipeStopped: If the pool was told to stop.
        """
        self._configs.clear()
        chosen = [stage for stage in self.plan.stages if stages is None or stage.number in stages]
        folder = self._ledger(self.plan.stages[0]).folder.parent
        with sole_process(folder / RECIPE_LEASE, f'{self.plan.folder} is being run'):
            self._remove_leftovers(folder)
            if force:
                self._put_changes_aside(chosen, folds)
            todo = {stage.number: self._pending(stage, folds) for stage in chosen}
            progress = PlanProgress(self._progress_of_runs(todo), None if self.follow else self.report)
            if self.follow:
                self.follow(progress)
            for stage in chosen:
                progress.stage = stage.number
                self._run_stage(stage, todo[stage.number], progress)
            progress.stage = None

    def describe(self, stages: Container[int] | None = None, folds: Container[int] | None = None) -> list[str]:
        """What :meth:`run` would do, a line a run."""
        lines = []
        for stage in self.plan.stages:
            if stages is not None and stage.number not in stages:
                continue
            chosen, pending = stage.chosen(folds), self._pending(stage, folds)
            for run in stage.runs:
                cfg = self._config(run)
                state = 'left out' if run not in chosen else 'to train' if run in pending else 'finished'
                start = cfg.load_from or 'scratch'
                lines.append(
                    f'stage {stage.number} {run.member:6} {state:9} {cfg.train_cfg.max_epochs:3} epochs from {start}'
                )
        return lines

    def ledgers(self) -> dict[int, StageLedger]:
        """The ledger of each stage, by its number."""
        return {stage.number: self._ledger(stage) for stage in self.plan.stages}

    def _run_stage(self, stage: PlannedStage, pending: list[PlannedRun], progress: PlanProgress) -> None:
        ledger = self._ledger(stage)
        if pending:
            first = stage.runs[0]
            check_start(first.config, self._config(first).load_from)
            prepare(self._config(first))
            check_space([self._config(run) for run in pending], self.pool.jobs)
            jobs = {run.member: self._training(run) for run in pending}
            failed = self.pool.run(list(jobs.values()), progress.tell)
            self._settle({run: str(failed[job.name]) for run, job in jobs.items() if job.name in failed}, ledger)
        members = ledger.awaited(stage.members, self.keep_going)
        if not members:
            raise StageError(f'All runs of stage {stage.number} have failed: see {ledger.folder}/*.failed.json.')
        missing = ledger.missing(members)
        if missing:
            self.report(f'stage {stage.number} waits for {", ".join(missing)}')
            return
        if ledger.outcome(members) is None:
            self._fuse(stage, ledger)
        outcome = ledger.outcome(members)
        score = outcome['candidates'][outcome['winner']]['val']['mIoU']
        self.report(f'stage {stage.number}: winner {outcome["winner"]}, {score:.2f} mIoU, {ledger.winner_path}')

    def _settle(self, failed: dict[str, str], ledger: StageLedger) -> None:
        """End the recipe because of failed runs, or enter them in the ledger and go on without them."""
        if failed and not self.keep_going:
            raise StageError('\n\n'.join(failed.values()))
        known = ledger.failures(list(failed))
        for member, reason in failed.items():
            self.report(f'{reason}\nThe stage goes on without {member}.')
            if member not in known:
                ledger.record_failure(member, reason)

    def _fuse(self, stage: PlannedStage, ledger: StageLedger) -> None:
        log = ledger.folder / 'fusing.log'
        args = (str(ledger.folder), str(stage.runs[0].config), self.cfg_options, log)
        job = Job(f'fusing stage {stage.number}', fuse_stage, args, log, trains=False, lease=ledger.lease_path)
        failed = self.pool.run([job], lambda _: None)
        if failed:
            raise StageError(str(failed[job.name]))

    def _training(self, run: PlannedRun) -> Job:
        cfg = self._config(run)
        folder = Path(cfg.work_dir)
        log = folder / 'train.log'
        args, lease = (cfg, str(run.config), log), folder / RUN_LEASE
        return Job(f'stage {run.stage} {run.member}', train_run, args, log, lease=lease)

    def _pending(self, stage: PlannedStage, folds: Container[int] | None) -> list[PlannedRun]:
        ledger = self._ledger(stage)
        entries = {run: ledger.entry(run.member) for run in stage.chosen(folds)}
        for run, entry in entries.items():
            change = change_of(self._config(run), entry)
            if change:
                raise StageError(
                    f'{run.member} of {ledger.folder} {change}. Take the change back, or add --force: it puts the '
                    'run and all stages behind it aside and trains them anew.'
                )
        return [run for run, entry in entries.items() if entry is None]

    def _put_changes_aside(self, stages: list[PlannedStage], folds: Container[int] | None) -> None:
        """Put the changed runs of the first stage that has some aside, after all runs of the stages behind it."""
        for stage in stages:
            ledger, runs = self._ledger(stage), stage.chosen(folds)
            changed = [run for run in runs if change_of(self._config(run), ledger.entry(run.member))]
            if changed:
                behind = [later for later in self.plan.stages if later.number > stage.number]
                for one, members in [*((later, later.runs) for later in reversed(behind)), (stage, changed)]:
                    moved = put_aside(self._ledger(one), {run.member: self._config(run) for run in members})
                    for folder in moved:
                        self.report(f'stage {one.number}: what has changed is now in {folder}')
                return

    def _remove_leftovers(self, recipe: Path) -> None:
        for folder in {recipe, *(ledger.folder for ledger in self.ledgers().values())}:
            remove_leftovers(folder)
        for stage in self.plan.stages:
            for run in stage.runs:
                remove_leftovers_of_run(self._ledger(stage), run.member, Path(self._config(run).work_dir))

    def _progress_of_runs(self, todo: dict[int, list[PlannedRun]]) -> dict[str, RunProgress]:
        runs = [run for pending in todo.values() for run in pending]
        return {
            str(run.config): RunProgress(
                run.config.stem, run.stage, run.member, self._config(run).train_cfg.max_epochs
            )
            for run in runs
        }

    def _ledger(self, stage: PlannedStage) -> StageLedger:
        return StageLedger(self._config(stage.runs[0]).default_hooks.fold_average.stage_dir)

    def _config(self, run: PlannedRun) -> Config:
        if run not in self._configs:
            self._configs[run] = load_run_config(run.config, cfg_options=self.cfg_options)
        return self._configs[run]
