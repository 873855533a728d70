"""The plan of a recipe: a folder of configs, read by their names."""

import re
from collections.abc import Collection, Container
from dataclasses import dataclass
from pathlib import Path

from mmseg_custom.errors import StageError
from mmseg_custom.io.files import PathLike
from mmseg_custom.ledger.stage_ledger import RUN_NAME, StageLedger, name_of_run
from mmseg_custom.options import check_chosen

CONFIG_NAME = re.compile(r'(?:(?P<recipe>.+)_)?stage(?P<stage>\d+)(?:_fold(?P<fold>\d+))?')


@dataclass(frozen=True)
class PlannedRun:
    """One training run: a fold of a stage, or the whole stage where it has no folds."""

    config: Path
    stage: int
    fold: int | None

    @property
    def name(self) -> str:
        """Its name in the ledger."""
        return name_of_run(self.fold)


@dataclass(frozen=True)
class PlannedStage:
    """A stage and its runs, in fold order."""

    number: int
    runs: tuple[PlannedRun, ...]

    @property
    def run_names(self) -> list[str]:
        """The names of its runs in the ledger."""
        return [run.name for run in self.runs]

    def chosen(self, folds: Container[int] | None) -> list[PlannedRun]:
        """The runs of some folds, ``None`` for all; a run without folds is always among them."""
        return [run for run in self.runs if folds is None or run.fold is None or run.fold in folds]


class Plan:
    """The stages that the configs in a folder describe, in order.

    ``stage<S>.py`` is a stage without folds unless there are ``stage<S>_fold<K>.py``, which then are its runs; a
    prefix, as in ``streets_stage1.py``, is the recipe's name and the same for all.

    Args:
        folder: The folder of configs.

    Raises:
        StageError: If the folder has no such config, or those of several recipes.
    """

    def __init__(self, folder: PathLike) -> None:
        self.folder = Path(folder)
        found = [(CONFIG_NAME.fullmatch(path.stem), path) for path in sorted(self.folder.glob('*.py'))]
        named = [(match, path) for match, path in found if match]
        if not named:
            raise StageError(f'{folder} holds no stage configs (stage1.py, stage2_fold1.py, ...).')
        recipes = sorted({match['recipe'] or '' for match, _ in named})
        if len(recipes) > 1:
            raise StageError(f'{folder} holds the stages of several recipes ({recipes}): give each its own folder.')
        self.stages = _stages([_run(match, path) for match, path in named])

    @classmethod
    def around(cls, config: PathLike) -> 'Plan | None':
        """The plan that a config belongs to, ``None`` if its name is not that of a stage."""
        path = Path(config)
        return cls(path.parent) if CONFIG_NAME.fullmatch(path.stem) else None

    def check_chosen(self, stages: Collection[int] | None, folds: Collection[int] | None) -> None:
        """See that the plan has the stages and folds that were asked for; ``None`` asks for all.

        Raises:
            OptionError: If it has not, naming those that it has.
        """
        check_chosen('--stages', stages, [stage.number for stage in self.stages], str(self.folder))
        chosen = [stage for stage in self.stages if stages is None or stage.number in stages]
        known = {run.fold for stage in chosen for run in stage.runs if run.fold is not None}
        check_chosen('--folds', folds, known, str(self.folder))

    def stage(self, number: int) -> PlannedStage:
        """The stage with a number.

        Raises:
            StageError: If there is none.
        """
        for stage in self.stages:
            if stage.number == number:
                return stage
        raise StageError(f'{self.folder} has no stage {number}: it has {[stage.number for stage in self.stages]}.')


def check_initial_weights(config: PathLike, start: PathLike | None, repeat: int = 0) -> None:
    """See that the weights a config starts from are there, unless they are to be fetched from somewhere.

    Arguments as :func:`explain_missing_winner`.

    Raises:
        StageError: If they are not, naming the folds that are missing and their commands.
    """
    if start and '://' not in str(start) and not Path(start).is_file():
        raise StageError(explain_missing_winner(config, start, repeat))


def explain_missing_winner(config: PathLike, winner: PathLike, repeat: int = 0) -> str:
    """Say why the weights a stage starts from are not there, and which commands make them.

    Args:
        config: The config that wants to start.
        winner: Its ``load_from``, the winner of the stage before or one of its folds.
        repeat: Which repeat of the plan it belongs to, 0 for the plan itself.
    """
    name = CONFIG_NAME.fullmatch(Path(config).stem)
    sentence = f'{Path(config).name} starts from {winner}, which does not exist.'
    plan = Plan.around(config)
    before = [stage for stage in plan.stages if stage.number < int(name['stage'])] if plan else []
    if not before:
        return f'{sentence} Set load_from to a checkpoint.'
    if repeat:
        return f'{sentence} Run all stages: python tools/run_recipe.py {plan.folder} --repeats {repeat + 1}'
    run_name, run_names = Path(winner).stem, before[-1].run_names
    if RUN_NAME.fullmatch(run_name) and run_name not in run_names:
        return (
            f"{sentence} Stage {before[-1].number} has no {run_name}: with fold_average.init='own_fold' it needs a "
            'config a fold, as the stages behind it.'
        )
    missing = StageLedger(Path(winner).parent).missing([run_name] if run_name in run_names else run_names)
    if not missing:
        return f'{sentence} Its folds are finished: `python tools/average_folds.py {Path(winner).parent}` makes it.'
    commands = [f'python tools/train.py {run.config}' for run in before[-1].runs if run.name in missing]
    return '\n'.join(
        [
            f'{sentence} Stage {before[-1].number} still lacks {", ".join(missing)}. Train what is missing:',
            *commands,
        ]
        + [f'or the whole plan: python tools/run_recipe.py {plan.folder}']
    )


def _run(match: re.Match, path: Path) -> PlannedRun:
    return PlannedRun(path, int(match['stage']), int(match['fold']) if match['fold'] else None)


def _stages(runs: list[PlannedRun]) -> list[PlannedStage]:
    stages = []
    for number in sorted({run.stage for run in runs}):
        own = [run for run in runs if run.stage == number]
        folds = sorted((run for run in own if run.fold is not None), key=lambda run: run.fold)
        stages.append(PlannedStage(number, tuple(folds or own)))
    return stages
