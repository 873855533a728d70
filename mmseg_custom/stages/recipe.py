"""The whole recipe: every stage of a plan, every fold of a stage, and the barrier between stages."""

from collections.abc import Callable, Container
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg_custom.datasets.prepare import prepare
from mmseg_custom.stages.fingerprint import hash_experiment
from mmseg_custom.stages.launch import load_run_config
from mmseg_custom.stages.ledger import Entry, StageError, StageLedger
from mmseg_custom.stages.local_pool import Job, LocalPool
from mmseg_custom.stages.plan import Plan, PlannedRun, PlannedStage, check_start
from mmseg_custom.stages.progress import PlanProgress
from mmseg_custom.stages.worker import fuse_stage, train_run

Report = Callable[[str], None]


class Recipe:
    """Runs a plan, and goes on where an earlier call stopped.

    Args:
        plan: The stages and their configs.
        pool: Runs the folds of a stage.
        report: Takes lines for the user.
        cfg_options: Overrides for every config, by dotted key.
    """

    def __init__(
        self, plan: Plan, pool: LocalPool, report: Report, cfg_options: dict[str, Any] | None = None
    ) -> None:
        self.plan, self.pool, self.report = plan, pool, report
        self.cfg_options = cfg_options
        self._configs: dict[PlannedRun, Config] = {}

    def run(self, stages: Container[int] | None = None, folds: Container[int] | None = None) -> None:
        """Train what is missing of the chosen stages and folds, and fuse every stage that is complete.

        Args:
            stages: Numbers of stages; ``None`` for all.
            folds: Numbers of folds; ``None`` for all.

        Raises:
            StageError: If a stage cannot start or a run failed; finished runs stay finished.
        """
        chosen = [stage for stage in self.plan.stages if stages is None or stage.number in stages]
        todo = {stage.number: self._pending(stage, folds) for stage in chosen}
        progress = PlanProgress(self._epochs(todo), self.report)
        for stage in chosen:
            self._run_stage(stage, todo[stage.number], progress)

    def describe(self, stages: Container[int] | None = None, folds: Container[int] | None = None) -> list[str]:
        """What :meth:`run` would do, a line a run."""
        lines = []
        for stage in self.plan.stages:
            if stages is not None and stage.number not in stages:
                continue
            pending = {run.member for run in self._pending(stage, folds)}
            for run in stage.runs:
                cfg = self._config(run)
                state = 'to train' if run.member in pending else 'finished'
                if folds is not None and run.fold is not None and run.fold not in folds:
                    state = 'left out'
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
            failed = self.pool.run([self._training(run) for run in pending], progress.tell)
            if failed:
                raise StageError('\n\n'.join(str(error) for error in failed.values()))
        missing = ledger.missing(stage.members)
        if missing:
            self.report(f'stage {stage.number} waits for {", ".join(missing)}')
            return
        if ledger.outcome() is None:
            self._fuse(stage, ledger)
        outcome = ledger.outcome()
        score = outcome['candidates'][outcome['winner']]['val']['mIoU']
        self.report(f'stage {stage.number}: winner {outcome["winner"]}, {score:.2f} mIoU, {ledger.winner_path}')

    def _fuse(self, stage: PlannedStage, ledger: StageLedger) -> None:
        log = ledger.folder / 'fusing.log'
        args = (str(ledger.folder), str(stage.runs[0].config), self.cfg_options, log)
        job = Job(f'fusing stage {stage.number}', fuse_stage, args, log, trains=False)
        failed = self.pool.run([job], lambda _: None)
        if failed:
            raise StageError(str(failed[job.name]))

    def _training(self, run: PlannedRun) -> Job:
        cfg = self._config(run)
        log = Path(cfg.work_dir) / 'train.log'
        return Job(f'stage {run.stage} {run.member}', train_run, (cfg, str(run.config), log), log)

    def _pending(self, stage: PlannedStage, folds: Container[int] | None) -> list[PlannedRun]:
        ledger = self._ledger(stage)
        wanted = [run for run in stage.runs if folds is None or run.fold is None or run.fold in folds]
        for run in wanted:
            entry = ledger.entry(run.member)
            reason = entry and self._reason_to_doubt(run, entry)
            if reason:
                raise StageError(
                    f'{run.member} of stage {stage.number} is finished, but {reason}. Take it back, or delete '
                    f'{ledger.folder} and the stages after it to train them anew.'
                )
        return [run for run in wanted if ledger.entry(run.member) is None]

    def _reason_to_doubt(self, run: PlannedRun, entry: Entry) -> str | None:
        """Why a finished run is not what its config would give now, if so."""
        cfg = self._config(run)
        if entry['config_hash'] != hash_experiment(cfg):
            return f'{run.config} has changed since'
        before = StageLedger(Path(cfg.load_from).parent).outcome() if cfg.load_from else None
        if before and before['weights'] not in {parent['weights'] for parent in entry['lineage']['parents']}:
            return f'{cfg.load_from}, which it started from, has changed since'
        return None

    def _epochs(self, todo: dict[int, list[PlannedRun]]) -> dict[str, int]:
        runs = [run for pending in todo.values() for run in pending]
        return {str(run.config): self._config(run).train_cfg.max_epochs for run in runs}

    def _ledger(self, stage: PlannedStage) -> StageLedger:
        return StageLedger(self._config(stage.runs[0]).default_hooks.fold_average.stage_dir)

    def _config(self, run: PlannedRun) -> Config:
        if run not in self._configs:
            self._configs[run] = load_run_config(run.config, cfg_options=self.cfg_options)
        return self._configs[run]
