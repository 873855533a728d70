"""The plan of a recipe: a folder of stages or one file, read by their names and their number of folds."""

import re
from collections.abc import Collection, Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg_custom.errors import StageError
from mmseg_custom.fold_settings import COMMAND, NUM_FOLDS, check_num_folds, plan_command
from mmseg_custom.io.files import PathLike
from mmseg_custom.ledger.stage_ledger import RUN_NAME, StageLedger, name_of_run
from mmseg_custom.ledger.trained_config import given_options
from mmseg_custom.options import check_chosen
from mmseg_custom.plan_file import plan_of, read_config, stage_config, stage_numbers

CONFIG_NAME = re.compile(r'(?:(?P<recipe>.+)_)?stage(?P<stage>\d+)(?:_fold(?P<fold>\d+))?')


@dataclass(frozen=True)
class PlannedRun:
    """One training run: a fold of a stage, or the whole stage where it has no folds.

    Attributes:
        config: The stage's config file.
        stage: Its number.
        fold: ``None`` without folds.
    """

    config: Path
    stage: int
    fold: int | None

    @property
    def name(self) -> str:
        """Its name in the ledger."""
        return name_of_run(self.fold)

    @property
    def full_name(self) -> str:
        """Its name in the plan, which its folder has: ``stage2_fold1``."""
        return self.config.stem if self.fold is None else f'{self.config.stem}_{self.name}'

    @property
    def command(self) -> str:
        """What trains it."""
        return f'python tools/train.py {self.config}' + ('' if self.fold is None else f' --fold {self.fold}')


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
    """The stages that one file (:mod:`~mmseg_custom.plan_file`) or the configs in a folder describe, in order.

    In a folder ``stage<S>.py`` is a stage, of as many runs as it says ``num_folds``, of one run if it says none; a
    prefix, as in ``x_stage1.py``, is the recipe's name and the same for all. A file ``stage<S>_fold<K>.py`` is
    another name of a run, not a part of the plan.

    Args:
        path: The file, or the folder of configs.
        cfg_options: Overrides for every config, by dotted key; ``num_folds`` among them is for the stages with folds.

    Attributes:
        command: What runs it.
        is_written: Whether `mmseg-kfold run` has written it, which its command goes on with.

    Raises:
        StageError: If the file says no stages; or the folder has no such config, those of several recipes, or files
            of folds of a stage without.
        OptionError: If a number of folds is none.
    """

    def __init__(self, path: PathLike, cfg_options: dict[str, Any] | None = None) -> None:
        self.path, self.cfg_options = Path(path), dict(cfg_options or {})
        stages, of_folds = _in_file(self.path) if self.path.is_file() else _in_folder(self.path)
        configs = {number: _read(stages[number]) for number in sorted(stages)}
        said = {number: cfg.get(NUM_FOLDS) for number, cfg in configs.items()}
        first: Mapping[str, Any] = next(iter(configs.values()), {})
        self.command, self.is_written = plan_command(first, path), COMMAND in first
        _check_files_of_folds(of_folds, said)
        self.stages = [self._stage(number, stages[number], said[number]) for number in sorted(stages)]

    @classmethod
    def around(cls, config: PathLike, cfg_options: dict[str, Any] | None = None) -> 'Plan | None':
        """The plan that a config belongs to, ``None`` if its name is not that of a stage."""
        path, in_file = Path(config), plan_of(config)
        if in_file:
            return cls(in_file[0], cfg_options)
        return cls(path.parent, cfg_options) if CONFIG_NAME.fullmatch(path.stem) else None

    def _stage(self, number: int, config: Path, said: int | None) -> PlannedStage:
        folds = None if said is None else self.cfg_options.get(NUM_FOLDS, said)
        check_num_folds(folds, config)
        runs = (None,) if folds is None else range(1, folds + 1)
        return PlannedStage(number, tuple(PlannedRun(config, number, fold) for fold in runs))

    def check_chosen(
        self, stages: Collection[int] | None, folds: Collection[int] | None, option: str = '--folds'
    ) -> None:
        """See that the plan has the stages and folds that were asked for; ``None`` asks for all.

        Args:
            stages: Numbers of stages.
            folds: Numbers of folds.
            option: What asked for folds. Defaults to ``'--folds'``.

        Raises:
            OptionError: If it has not, naming those that it has.
        """
        check_chosen('--stages', stages, [stage.number for stage in self.stages], str(self.path))
        chosen = [stage for stage in self.stages if stages is None or stage.number in stages]
        known = {run.fold for stage in chosen for run in stage.runs if run.fold is not None}
        check_chosen(option, folds, known, str(self.path), 'folds')

    def stage(self, number: int) -> PlannedStage:
        """The stage with a number.

        Raises:
            StageError: If there is none.
        """
        for stage in self.stages:
            if stage.number == number:
                return stage
        raise StageError(f'{self.path} has no stage {number}: it has {[stage.number for stage in self.stages]}.')


def check_initial_weights(cfg: Config, start: PathLike | None, repeat: int = 0) -> None:
    """See that the weights a run starts from are there, unless they are to be fetched from somewhere.

    Args:
        cfg: Of the run.
        start: Its ``load_from``, or what takes the place of it.
        repeat: As :func:`explain_missing_winner`.

    Raises:
        StageError: If they are not, naming the folds that are missing and their commands.
    """
    if start and '://' not in str(start) and not Path(start).is_file():
        config = cfg.filename or 'this config'
        raise StageError(explain_missing_winner(config, start, repeat, given_options(cfg)))


def explain_missing_winner(
    config: PathLike, winner: PathLike, repeat: int = 0, cfg_options: dict[str, Any] | None = None
) -> str:
    """Say why the weights a stage starts from are not there, and which commands make them.

    Args:
        config: The config that wants to start.
        winner: Its ``load_from``, the winner of the stage before or one of its folds.
        repeat: Which repeat of the plan it belongs to, 0 for the plan itself.
        cfg_options: The overrides of the plan.
    """
    name = CONFIG_NAME.fullmatch(Path(config).stem)
    sentence = f'{Path(config).name} starts from {winner}, which does not exist.'
    plan = Plan.around(config, cfg_options)
    before = [stage for stage in plan.stages if stage.number < int(name['stage'])] if plan and name else []
    if not plan or not before:
        return f'{sentence} Set load_from to a checkpoint.'
    if repeat:
        return f'{sentence} Run all stages: {plan.command} --repeats {repeat + 1}'
    run_name, run_names = Path(winner).stem, before[-1].run_names
    if RUN_NAME.fullmatch(run_name) and run_name not in run_names:
        return (
            f"{sentence} Stage {before[-1].number} has no {run_name}: with fold_average.init='own_fold' it needs a "
            'config a fold, as the stages behind it.'
        )
    if plan.is_written:
        return f'{sentence} Train what is missing: {plan.command}'
    missing = StageLedger(Path(winner).parent).missing([run_name] if run_name in run_names else run_names)
    if not missing:
        return f'{sentence} Its folds are finished: `python tools/average_folds.py {Path(winner).parent}` makes it.'
    commands = [run.command for run in before[-1].runs if run.name in missing]
    return '\n'.join(
        [
            f'{sentence} Stage {before[-1].number} still lacks {", ".join(missing)}. Train what is missing:',
            *commands,
        ]
        + [f'or the whole plan: {plan.command}']
    )


def _in_file(plan: Path) -> tuple[dict[int, Path], list[tuple[int, Path]]]:
    """The configs of the stages of a plan in one file, by their numbers; there are no files of folds."""
    numbers = stage_numbers(_read(plan))
    if not numbers:
        raise StageError(f'{plan} is no plan: it says no stage1 = dict(...), stage2 = dict(...), ...')
    return {number: stage_config(plan, number) for number in numbers}, []


def _in_folder(folder: Path) -> tuple[dict[int, Path], list[tuple[int, Path]]]:
    """The configs of the stages in a folder by their numbers, and the files of folds with those of their stages."""
    found = [(CONFIG_NAME.fullmatch(path.stem), path) for path in sorted(folder.glob('*.py'))]
    named = [(match, path) for match, path in found if match]
    if not named:
        raise StageError(f'{folder} holds no stage configs (stage1.py, stage2.py, ...).')
    recipes = sorted({match['recipe'] or '' for match, _ in named})
    if len(recipes) > 1:
        raise StageError(f'{folder} holds the stages of several recipes ({recipes}): give each its own folder.')
    of_folds = [(int(match['stage']), path) for match, path in named if match['fold']]
    return {int(match['stage']): path for match, path in named if not match['fold']}, of_folds


def _read(config: Path) -> Config:
    """A stage's config, for what it says of its folds; nothing else of it is used, so nothing is imported for it."""
    try:
        return read_config(config, import_custom_modules=False)
    except StageError:
        raise
    except Exception as error:  # A config is code: it may raise anything.
        raise StageError(f'{config} cannot be read: {type(error).__name__}: {error}') from error


def _check_files_of_folds(files: list[tuple[int, Path]], said: dict[int, int | None]) -> None:
    """See that the stage of each file of a fold has folds: else the plan would have no such run."""
    for number, path in files:
        if said.get(number) is None:
            stage = f'{path.stem.rpartition("_fold")[0]}.py'
            raise StageError(
                f'{path} is there, but no {stage} beside it says num_folds: a plan is read from its stages. Write '
                f'`num_folds = K` into {stage}; the files of folds can go (`tools/train.py {stage} --fold K`).'
            )
