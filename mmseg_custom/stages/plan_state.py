"""A plan on this disk: the configs of its runs, the ledgers of its stages, and what of it is done."""

from collections.abc import Callable, Container
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg_custom.engine.files import remove_leftovers
from mmseg_custom.stages.changes import change_of, put_aside, remove_leftovers_of_run
from mmseg_custom.stages.ending import ended_by, explain_not_run
from mmseg_custom.stages.launch import load_run_config
from mmseg_custom.stages.ledger import StageError, StageLedger
from mmseg_custom.stages.plan import Plan, PlannedRun, PlannedStage
from mmseg_custom.stages.repeats import SEED, move_to_repeat, seed_of


class PlanState:
    """The configs of a plan as they are run, and what their ledgers say.

    Args:
        plan: The stages and their configs.
        cfg_options: Overrides for every config, by dotted key.
        repeat: 0 for the plan itself; the k-th repeat has a seed higher by k and folders of its own.

    Raises:
        StageError: If a repeat has no seed to count up from.
    """

    def __init__(self, plan: Plan, cfg_options: dict[str, Any] | None = None, repeat: int = 0) -> None:
        self.plan, self.cfg_options, self.repeat = plan, cfg_options, repeat
        self._configs: dict[PlannedRun, Config] = {}
        if repeat:
            first = load_run_config(plan.stages[0].runs[0].config, cfg_options=cfg_options)
            self.cfg_options = {**(cfg_options or {}), SEED: seed_of(first) + repeat}

    def read_anew(self) -> None:
        """Forget the configs: they may have changed."""
        self._configs = {}

    def config(self, run: PlannedRun) -> Config:
        """The config of a run, with the overrides."""
        if not self._configs:
            runs = [one for stage in self.plan.stages for one in stage.runs]
            configs = {one: load_run_config(one.config, cfg_options=self.cfg_options) for one in runs}
            if self.repeat:
                move_to_repeat(configs)
            self._configs = configs
        return self._configs[run]

    def ledger(self, stage: PlannedStage) -> StageLedger:
        """The ledger of a stage."""
        return StageLedger(self.config(stage.runs[0]).default_hooks.fold_average.stage_dir)

    @property
    def ledgers(self) -> dict[int, StageLedger]:
        """The ledger of each stage, by its number."""
        return {stage.number: self.ledger(stage) for stage in self.plan.stages}

    @property
    def folder(self) -> Path:
        """The recipe's folder, ``work_dirs/<recipe>``."""
        return self.ledger(self.plan.stages[0]).folder.parent

    def ended_by(self) -> int | None:
        """The number of the stage that ended the plan, ``None`` while it goes on."""
        return ended_by({number: ledger.outcome() for number, ledger in self.ledgers.items()})

    def pending(self, stage: PlannedStage, folds: Container[int] | None) -> list[PlannedRun]:
        """The runs of a stage, among some folds, that have to be trained.

        Raises:
            StageError: If one that is there has changed.
        """
        ledger = self.ledger(stage)
        entries = {run: ledger.entry(run.member) for run in stage.chosen(folds)}
        for run, entry in entries.items():
            change = change_of(self.config(run), entry)
            if change:
                raise StageError(
                    f'{run.member} of {ledger.folder} {change}. Take the change back, or add --force: it puts the '
                    'run and all stages behind it aside and trains them anew.'
                )
        return [run for run, entry in entries.items() if entry is None]

    def describe(self, stages: list[PlannedStage], folds: Container[int] | None, end: int | None) -> list[str]:
        """What is to be done for some stages and folds, a line a run; behind stage ``end`` nothing."""
        lines = []
        for stage in stages:
            chosen, pending = stage.chosen(folds), self.pending(stage, folds)
            not_run = end is not None and stage.number > end
            for run in stage.runs:
                cfg = self.config(run)
                to_train = f'{explain_not_run(end)} (--go-on);' if not_run else 'to train'
                state = 'left out' if run not in chosen else to_train if run in pending else 'finished'
                start = cfg.load_from or 'scratch'
                lines.append(
                    f'stage {stage.number} {run.member:6} {state:9} {cfg.train_cfg.max_epochs:3} epochs from {start}'
                )
        return lines

    def put_changes_aside(
        self, stages: list[PlannedStage], folds: Container[int] | None, report: Callable[[str], None]
    ) -> None:
        """Put the changed runs of the first stage that has some aside, after all runs of the stages behind it."""
        for stage in stages:
            ledger, runs = self.ledger(stage), stage.chosen(folds)
            changed = [run for run in runs if change_of(self.config(run), ledger.entry(run.member))]
            if changed:
                behind = [later for later in self.plan.stages if later.number > stage.number]
                for one, members in [*((later, later.runs) for later in reversed(behind)), (stage, changed)]:
                    moved = put_aside(self.ledger(one), {run.member: self.config(run) for run in members})
                    for folder in moved:
                        report(f'stage {one.number}: what has changed is now in {folder}')
                return

    def remove_leftovers(self) -> None:
        """Delete what killed processes left in the folders of recipe, stages and runs."""
        for folder in {self.folder, *(ledger.folder for ledger in self.ledgers.values())}:
            remove_leftovers(folder)
        for stage in self.plan.stages:
            for run in stage.runs:
                remove_leftovers_of_run(self.ledger(stage), run.member, Path(self.config(run).work_dir))
