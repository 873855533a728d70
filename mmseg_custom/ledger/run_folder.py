"""The folder of a whole run, ``work_dirs/<config>_kfold`` or that of a recipe: which weights it stands for."""

import re
from pathlib import Path

from mmseg_custom.errors import StageError
from mmseg_custom.io.files import PathLike
from mmseg_custom.ledger.stage_ledger import StageLedger, name_of_run, names_of_runs

STAGE_FOLDER = re.compile(r'stage(\d+)')
REFIT = 'refit'  # Of the model that is trained on everything, behind the folds.
DISTILLED = 'distill'  # Of the one that learns from them, too.


def stage_folder(folder: PathLike, number: int) -> Path:
    """Where the ledger and the weights of a stage are in the folder of a run."""
    return Path(folder) / f'stage{number}'


def stage_of(model: PathLike) -> Path:
    """A checkpoint or the folder of a stage as it is; of the folder of a run the last stage with all of its folds.

    While no stage has, it is the first one that has a finished run.
    """
    model = Path(model)
    if not model.is_dir() or StageLedger(model).finished_runs():
        return model
    matches = [(STAGE_FOLDER.fullmatch(path.name), path) for path in model.glob('stage*')]
    stages = [path for _, path in sorted((int(match[1]), path) for match, path in matches if match)]
    begun = [path for path in stages if StageLedger(path).finished_runs()]
    complete = [path for path in begun if not _missing(StageLedger(path))]
    return [*begun[:1], *complete][-1] if begun else model


def runs_of(model: PathLike) -> list[Path]:
    """The weights that a model's folder stands for, side by side: a checkpoint, or the finished runs of a stage.

    Raises:
        StageError: If a folder holds none.
    """
    found = stage_of(model)
    if not found.is_dir():
        return [found]
    ledger = StageLedger(found)
    finished = ledger.finished_runs()
    if not finished:
        raise StageError(
            f'{model} holds no finished run of a stage: name a checkpoint, or the folder of a stage or run '
            '(work_dirs/RECIPE/stageS, work_dirs/CONFIG_kfold).'
        )
    return [ledger.weights_path(name) for name in finished]


def one_model_of(model: PathLike) -> Path:
    """A checkpoint as it is; of a folder the model trained on everything, else the winner, else its only run.

    Of two models trained on everything it is the one that learned from the folds, too.

    Raises:
        StageError: If there are several, and none is chosen.
    """
    for name in (DISTILLED, REFIT):
        ledger = StageLedger(Path(model) / name)
        if ledger.finished_runs():
            return ledger.weights_path(name_of_run(None))
    stage, files = stage_of(model), runs_of(model)
    if stage.is_dir() and StageLedger(stage).outcome():
        return StageLedger(stage).winner_path
    if len(files) > 1:
        raise StageError(
            f'{model} is {len(files)} networks, and none of them was chosen: name one ({files[0]}), average them '
            f'(mmseg-kfold average {model} --out AVERAGE.pth), or train one on everything (--refit).'
        )
    return files[0]


def _missing(ledger: StageLedger) -> list[str]:
    first = ledger.entry(ledger.finished_runs()[0]) or {}
    return ledger.missing(names_of_runs(first.get('num_folds')))
