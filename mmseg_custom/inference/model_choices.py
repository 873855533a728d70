"""The models that a user can choose among: those named, and those in the ledger of a stage or recipe."""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

from mmseg_custom.inference.errors import InputError
from mmseg_custom.inference.model_source import open_predictor
from mmseg_custom.inference.predictor import Predictor
from mmseg_custom.ledger.stage_ledger import StageLedger
from mmseg_custom.ledger.trained_config import find_record

# One to look at and one to compare with; each holds its weights in memory.
LOADED_AT_ONCE = 2

Load = Callable[[str], Predictor]


class ModelChoice(NamedTuple):
    """What :func:`~mmseg_custom.inference.model_source.open_predictor` needs."""

    model: Path
    config: str | None


def find_models(models: Sequence[str], config: str | None = None) -> dict[str, ModelChoice]:
    """The models by the name they are offered under.

    Args:
        models: Checkpoints, ONNX files, folders of stages (winner, every run, all runs together) and of recipes
            (winner and all runs together of every stage, the last stage first).
        config: The config of the checkpoints; folders and the checkpoints in them know their own.

    Raises:
        InputError: If a model is not there or needs a config.
    """
    return {name: choice for model in models for name, choice in _choices(Path(model), config)}


def model_loader(choices: dict[str, ModelChoice], device: str, cfg_options: dict | None = None) -> Load:
    """A function from a name to its predictor, which keeps the last ones loaded."""

    def load(name: str) -> Predictor:
        choice = choices[name]
        return open_predictor(choice.model, choice.config, device=device, cfg_options=cfg_options)

    return lru_cache(LOADED_AT_ONCE)(load)


def _choices(model: Path, config: str | None) -> Iterator[tuple[str, ModelChoice]]:
    if model.is_dir():
        stages = [model] if _finished(model) else sorted(model.glob('stage*'), key=_number, reverse=True)
        found = [choice for stage in stages for choice in _of_stage(stage, config, whole=stage == model)]
        if not found:
            raise InputError(f'{model} holds no finished run of a stage or recipe.')
        yield from found
    elif not model.is_file():
        raise InputError(f'{model}: no such file or folder.')
    elif config is None and model.suffix != '.onnx' and not (find_record(model) or {}).get('config'):
        raise InputError(f'{model}: name its config before it.')
    else:
        yield str(model), ModelChoice(model, config)


def _of_stage(folder: Path, config: str | None, whole: bool) -> Iterator[tuple[str, ModelChoice]]:
    ledger, finished = StageLedger(folder), _finished(folder)
    if not finished:
        return
    choice = partial(ModelChoice, config=config or ledger.entry(finished[0])['config'])
    where = f'{folder.parent.name} {folder.name}'
    if ledger.winner_path.is_file():
        yield f'{where}: winner', choice(ledger.winner_path)
    if len(finished) > 1:
        yield f'{where}: all {len(finished)} folds together', choice(folder)
    for name in finished if whole else ():
        yield f'{where}: {name}', choice(ledger.weights_path(name))


def _finished(folder: Path) -> list[str]:
    return StageLedger(folder).finished_runs()


def _number(folder: Path) -> int:
    digits = folder.name.removeprefix('stage')
    return int(digits) if digits.isdigit() else 0
