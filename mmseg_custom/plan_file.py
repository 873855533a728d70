"""A plan in one file: what all of its stages share, and what each of them changes.

    _base_ = ['./_base_/models/...', './_base_/datasets/...', './_base_/default_runtime.py']
    num_folds = 5
    stage1 = dict(_base_='./_base_/schedules/plateau.py', num_folds=None, train_cfg=dict(max_epochs=2))
    stage2 = dict(_base_='./_base_/schedules/cosine.py', train_cfg=dict(max_epochs=4))

The config of stage 2 of ``configs/streets.py`` is called ``configs/streets_stage2.py``, which is no file.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg_custom.errors import StageError
from mmseg_custom.io.files import PathLike

BASE = '_base_'
STAGE = re.compile(r'stage(\d+)')
STAGE_NAME = re.compile(r'(?P<plan>.+)_stage(?P<stage>\d+)')


def read_config(config: PathLike, import_custom_modules: bool = True) -> Config:
    """Read the file of a config, or a stage of a plan in one file, by its name.

    Args:
        config: The file, or the plan's name with ``_stage<S>`` behind it.
        import_custom_modules: As MMEngine's ``Config.fromfile``.

    Raises:
        StageError: If the plan has no such stage, or the stage cannot have its base.
    """
    found = plan_of(config)
    if found is None:
        return Config.fromfile(str(config), import_custom_modules=import_custom_modules)
    plan, number = found
    return _stage(Config.fromfile(str(plan), import_custom_modules=import_custom_modules), plan, number)


def plan_of(config: PathLike) -> tuple[Path, int] | None:
    """The file of the plan that a config is a stage of, and its number; ``None`` for a file of its own, or none."""
    path = Path(config)
    named = STAGE_NAME.fullmatch(path.stem)
    if not named or path.is_file():
        return None
    plan = path.with_name(f'{named["plan"]}{path.suffix}')
    return (plan, int(named['stage'])) if plan.is_file() else None


def stage_numbers(cfg: Mapping[str, Any]) -> list[int]:
    """The stages that a config says, in order; none if it is no plan."""
    return sorted(
        int(named[1]) for named in map(STAGE.fullmatch, cfg) if named and isinstance(cfg[named[0]], Mapping)
    )


def stage_config(plan: PathLike, number: int) -> Path:
    """What the config of a stage is called."""
    return Path(plan).with_name(f'{Path(plan).stem}_stage{number}{Path(plan).suffix}')


def check_no_plan(cfg: Config) -> None:
    """See that a config is one of a run.

    Raises:
        StageError: If it is a plan, naming its stages.
    """
    numbers = stage_numbers(cfg)
    if numbers:
        raise StageError(
            f'{cfg.filename} is a plan of stages {", ".join(map(str, numbers))}: name one of them, '
            f'{stage_config(cfg.filename, numbers[0])}, or run all by `python tools/run_recipe.py {cfg.filename}`.'
        )


def _stage(whole: Config, plan: Path, number: int) -> Config:
    numbers, content = stage_numbers(whole), whole.to_dict()
    stages = {one: content.pop(f'stage{one}') for one in numbers}
    if number not in stages:
        raise StageError(f'{plan} has no stage{number}: it says {numbers or "no stage1, stage2, ... at all"}.')
    own = stages[number]
    for base in _base_files(own, plan, number):
        shared = Config.fromfile(str(base), import_custom_modules=False).to_dict()
        twice = sorted(shared.keys() & content.keys())
        if twice:
            raise StageError(f'{plan}: {base} and what all stages share both say {twice[0]}: let one of them say it.')
        content |= shared
    cfg = Config(content, cfg_text=whole.text, filename=str(stage_config(plan, number)))
    cfg.merge_from_dict(own, allow_list_keys=False)
    before = [one for one in numbers if one < number]
    if before and 'load_from' not in own:
        cfg.load_from = str(_folder_of(stages[before[-1]], plan, before[-1]) / 'winner.pth')
    if 'fold_average' in cfg.get('default_hooks', {}):
        cfg.default_hooks.fold_average.stage_dir = str(_folder_of(own, plan, number))
    return cfg


def _base_files(stage: dict[str, Any], plan: Path, number: int) -> list[Path]:
    bases = stage.pop(BASE, None) or []
    files = [plan.parent / base for base in ([bases] if isinstance(bases, str) else bases)]
    gone = [file for file in files if not file.is_file()]
    if gone:
        raise StageError(f'{plan}: {gone[0]}, the {BASE} of stage{number}, is not there: paths count from the plan.')
    return files


def _folder_of(stage: Mapping[str, Any], plan: Path, number: int) -> Path:
    """Where a stage's results are: what it says, else ``work_dirs/<plan>/stage<S>``."""
    said = stage.get('default_hooks', {}).get('fold_average', {}).get('stage_dir')
    return Path(said or Path('work_dirs') / plan.stem / f'stage{number}')
