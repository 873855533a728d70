"""Repeats of a plan: the same configs with other seeds, each in folders of its own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg_custom.errors import StageError
from mmseg_custom.plan.plan import PlannedRun

SEED = 'randomness.seed'
CHECKPOINT = '.pth'

Places = Mapping[Path, Path]


def repeat_folder(recipe: Path, seed: int) -> Path:
    """Where the repeat of a recipe with a seed is."""
    return recipe / f'seed{seed}'


def seed_of(cfg: Config) -> int:
    """The seed of a config.

    Raises:
        StageError: If it has none to count up from.
    """
    seed = cfg.get('randomness', {}).get('seed')
    if seed is None:
        raise StageError(f'{cfg.filename} has no {SEED}: repeats count up from it.')
    return int(seed)


def move_to_repeat(configs: Mapping[PlannedRun, Config]) -> None:
    """Let the configs of a plan work in the folder of their seed, ``work_dirs/<recipe>/seed<S>``, and nowhere else.

    The folders of runs and stages move there, and with them every checkpoint in them that a config starts from. What
    lies elsewhere stays: data, the fold file, pretrained weights.

    Args:
        configs: Of all runs; changed in place.

    Raises:
        StageError: If the stages are not in one folder.
    """
    first = next(iter(configs.values()))
    recipe = _stage_folder(first).parent
    folder = repeat_folder(recipe, seed_of(first))
    runs = {Path(cfg.work_dir): folder / run.full_name for run, cfg in configs.items()}
    for run, cfg in configs.items():
        if recipe != _stage_folder(cfg).parent:
            raise StageError(f'{cfg.filename}: stage_dir={_stage_folder(cfg)} is not in {recipe}, as the others are.')
        cfg.default_hooks.fold_average.stage_dir = str(folder / _stage_folder(cfg).name)
        for key in ('load_from', 'model'):
            cfg[key] = _moved(cfg.get(key), {**runs, recipe: folder})
        cfg.work_dir = str(folder / run.full_name)


def _stage_folder(cfg: Config) -> Path:
    return Path(cfg.default_hooks.fold_average.stage_dir)


def _moved(value: Any, places: Places) -> Any:
    """A value of a config with the checkpoints in it at their new places."""
    if isinstance(value, dict):
        return {key: _moved(entry, places) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_moved(entry, places) for entry in value)
    if not isinstance(value, str) or not value.endswith(CHECKPOINT):
        return value
    path = Path(value).resolve()
    for old, new in places.items():
        if path.is_relative_to(old.resolve()):
            return str(new / path.relative_to(old.resolve()))
    return value
