"""A plan on this disk: the configs of its runs, the ledgers of its stages, and what of it is done."""

from collections.abc import Container
from copy import deepcopy
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg_custom.config import length_of, load_run_config, take_fold
from mmseg_custom.errors import StageError
from mmseg_custom.io.files import remove_leftovers
from mmseg_custom.ledger.changes import archive, change_of, extension, remove_leftovers_of_run
from mmseg_custom.ledger.stage_ledger import StageLedger
from mmseg_custom.messages import Report
from mmseg_custom.plan.early_stop import ended_by, explain_not_run
from mmseg_custom.plan.plan import Plan, PlannedRun, PlannedStage
from mmseg_custom.plan.repeats import SEED, move_to_repeat, seed_of

TO_TRAIN = 'to train'


class PlanState:
    """The configs of a plan as they are run, and what their ledgers say.

    Args:
        plan: The stages and their configs.
        cfg_options: Overrides for every config beside those of the plan.
        repeat: 0 for the plan itself; the k-th repeat has a seed higher by k and folders of its own.

    Raises:
        StageError: If a repeat has no seed to count up from.
    """

    def __init__(self, plan: Plan, cfg_options: dict[str, Any] | None = None, repeat: int = 0) -> None:
        self.plan, self.repeat = plan, repeat
        self.cfg_options = {**plan.cfg_options, **(cfg_options or {})}
        self._configs: dict[PlannedRun, Config] = {}
        if repeat:
            first = load_run_config(plan.stages[0].runs[0].config, cfg_options=self.cfg_options)
            self.cfg_options[SEED] = seed_of(first) + repeat

    def read_anew(self) -> None:
        """Forget the configs: they may have changed."""
        self._configs = {}

    def config(self, run: PlannedRun) -> Config:
        """The config of a run, with the overrides."""
        if not self._configs:
            configs: dict[PlannedRun, Config] = {}
            for stage in self.plan.stages:
                whole = load_run_config(stage.runs[0].config, cfg_options=self.cfg_options)
                configs |= {one: take_fold(deepcopy(whole), one.fold) for one in stage.runs}
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
        """The runs of a stage, among some folds, that have to be trained, or trained longer.

        Raises:
            StageError: If one that is there has changed.
        """
        ledger = self.ledger(stage)
        entries = {run: ledger.entry(run.name) for run in stage.chosen(folds)}
        for run, entry in entries.items():
            change = change_of(self.config(run), entry)
            if change:
                raise StageError(
                    f'{run.name} of {ledger.folder} {change}. Take the change back, or add --force: it '
                    'archives the run and all later stages and trains them anew.'
                )
        return [run for run, entry in entries.items() if entry is None or extension(self.config(run), entry)]

    def describe(self, stages: list[PlannedStage], folds: Container[int] | None, end: int | None) -> list[str]:
        """What is to be done for some stages and folds, a line a run; behind stage ``end`` nothing."""
        lines, before = [], None
        for stage in stages:
            not_run = explain_not_run(end) if end is not None and stage.number > end else None
            for run in stage.runs:
                cfg, chosen = self.config(run), run in stage.chosen(folds)
                state = 'left out' if not chosen else self._state(run, stage, before)
                if not_run and state == TO_TRAIN:
                    state = f'{not_run} (--past-early-stop);'
                start, (length, unit) = cfg.load_from or 'scratch', length_of(cfg)
                lines.append(f'stage {stage.number} {run.name:6} {state:9} {length:3} {unit}s from {start}')
            before = stage.number if self._is_trained_on(stage, folds) else before
        return lines

    def _state(self, run: PlannedRun, stage: PlannedStage, before: int | None) -> str:
        """What a run is; ``before`` is a stage in front of it that is to be trained, if there is one."""
        cfg, entry = self.config(run), self.ledger(stage).entry(run.name)
        change = change_of(cfg, entry)
        if change:
            return f'{change} (--force);'
        longer = extension(cfg, entry)
        if longer:
            return f'to go on behind {longer[0]} of'
        if entry is None:
            return TO_TRAIN
        return f'stale, stage {before} is trained first (--force);' if before and cfg.load_from else 'finished'

    def _is_trained_on(self, stage: PlannedStage, folds: Container[int] | None) -> bool:
        entries = {run: self.ledger(stage).entry(run.name) for run in stage.chosen(folds)}
        return any(entry is None or extension(self.config(run), entry) for run, entry in entries.items())

    def archive_changes(self, stages: list[PlannedStage], folds: Container[int] | None, report: Report) -> None:
        """Archive the changed runs of the first stage that has some, after all runs of the later stages.

        A run that is trained longer stays: it goes on. What stands behind it has to be trained anew all the same.
        """
        for stage in stages:
            ledger, runs = self.ledger(stage), stage.chosen(folds)
            entries = {run: ledger.entry(run.name) for run in runs}
            changed = [run for run, entry in entries.items() if change_of(self.config(run), entry)]
            if changed or any(extension(self.config(run), entry) for run, entry in entries.items()):
                behind = [later for later in self.plan.stages if later.number > stage.number]
                for one, runs_of_one in [*((later, later.runs) for later in reversed(behind)), (stage, changed)]:
                    if runs_of_one:
                        moved = archive(self.ledger(one), {run.name: self.config(run) for run in runs_of_one})
                        for folder in moved:
                            report(f'stage {one.number}: what has changed is now in {folder}')
                return

    def remove_leftovers(self) -> None:
        """Delete what killed processes left in the folders of recipe, stages and runs."""
        for folder in {self.folder, *(ledger.folder for ledger in self.ledgers.values())}:
            remove_leftovers(folder)
        for stage in self.plan.stages:
            for run in stage.runs:
                remove_leftovers_of_run(self.ledger(stage), run.name, Path(self.config(run).work_dir))
