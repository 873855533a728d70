"""Reading the config of a run: file, command line options, overrides, and their checks."""

import os
from argparse import Namespace
from collections.abc import Collection
from difflib import get_close_matches
from inspect import signature
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

from mmseg_custom.errors import UserError
from mmseg_custom.fold_settings import NUM_FOLDS, check_fold, check_num_folds, choose_fold, fold_of, set_num_folds
from mmseg_custom.io.files import PathLike, read_json
from mmseg_custom.plan_file import check_no_plan, plan_of, read_config

KNOWN_KEYS = frozenset([*signature(Runner).parameters, NUM_FOLDS])
WINNER_FILE = 'winner.pth'
OWN_FOLD = 'own_fold'


class ConfigError(UserError, ValueError):
    """A config or override that cannot be meant; the message names the key."""


def config_from_options(args: Namespace) -> Config:
    """The config that the options describe which MMSegmentation's train.py and test.py share."""
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = load_run_config(args.config, args.work_dir, args.cfg_options, args.fold)
    cfg.launcher = args.launcher
    return cfg


def load_run_config(
    config: PathLike,
    work_dir: PathLike | None = None,
    cfg_options: dict[str, Any] | None = None,
    fold: int | None = None,
) -> Config:
    """Read a config as MMSegmentation's tools do, and let it be one of the folds that it trains.

    A config that trains folds says ``num_folds`` at its top. That number, or the one among the overrides, becomes
    ``folds.num_folds`` of every data set in the loaders that has ``folds``, and stands for ``{num_folds}`` in the
    name of their fold file. In a config that trains none, an override sets it for the data sets alone.

    Args:
        config: The config file, or the name of a stage of a plan in one file. A Python or YAML config is code: it is
            run. A JSON config is read as data.
        work_dir: Where logs and checkpoints go; else the config's own, else ``work_dirs/<config name>``, both with
            ``_fold<K>`` behind them if there is a ``fold``.
        cfg_options: Overrides by dotted key; kept as ``cfg_options`` of the config, as text that Python reads back.
        fold: 1 to ``num_folds``; the data sets of train and val take it. Defaults to ``None``: what the config says.

    Raises:
        ConfigError: If the config or a module that it imports is not there, or a key looks like a misspelt one.
        OptionError: If the config has no such fold.
        StageError: If it is a plan, or its plan has no such stage.
    """
    if not Path(config).is_file() and plan_of(config) is None:
        raise ConfigError(f'There is no config {config}. Paths of a recipe count from the folder it was trained in.')
    try:
        cfg = _read_json(config) if str(config).endswith('.json') else read_config(config)
    except ImportError as error:
        reason = error.__cause__ or error
        raise ConfigError(
            f'{config} imports what is not there ({reason}): call it from the folder that holds the module, or set '
            'PYTHONPATH.'
        ) from error
    check_no_plan(cfg)
    for key in cfg:
        _check_spelling(key, KNOWN_KEYS, f'{config}: ')
    trains_folds = cfg.get(NUM_FOLDS) is not None
    _apply_options(cfg, cfg_options or {})
    _apply_folds(cfg, trains_folds)
    cfg.work_dir = cfg.get('work_dir') or str(Path('work_dirs') / Path(config).stem)
    take_fold(cfg, fold)
    if work_dir is not None:
        cfg.work_dir = str(work_dir)
    return cfg


def take_fold(cfg: Config, fold: int | None) -> Config:
    """Let a config be one of the folds that it trains, in a folder of its own; arguments as above.

    Returns:
        The config, changed in place.
    """
    if fold is not None and fold_of(cfg) is None:
        cfg.work_dir += f'_fold{fold}'
    if fold is not None:
        choose_fold(cfg, fold)
    check_fold(cfg)
    cfg.load_from = initial_weights_of(cfg, cfg.get('load_from'))
    return cfg


def _apply_options(cfg: Config, options: dict[str, Any]) -> None:
    for option, value in options.items():
        check_option(cfg, option)
        if option.endswith(f'folds.{NUM_FOLDS}') and cfg.get(NUM_FOLDS) is not None:
            raise ConfigError(f'--cfg-options {option}: {NUM_FOLDS}={value} sets it for all data sets at once.')
        cfg.merge_from_dict({option: value})
    if options:
        given = {option: repr(value) for option, value in options.items()}
        cfg.cfg_options = {**cfg.get('cfg_options', {}), **given}


def _apply_folds(cfg: Config, trains_folds: bool) -> None:
    check_num_folds(cfg.get(NUM_FOLDS), cfg.filename)
    set_num_folds(cfg, cfg.get(NUM_FOLDS))
    if not trains_folds:
        cfg.pop(NUM_FOLDS, None)


def length_of(cfg: Config) -> tuple[int, str]:
    """How long a config trains, and whether in ``'epoch'`` or ``'iteration'``."""
    length = cfg.train_cfg.get('max_iters')
    return (cfg.train_cfg.max_epochs, 'epoch') if length is None else (length, 'iteration')


def initial_weights_of(cfg: Config, load_from: str | None) -> str | None:
    """The checkpoint that a run starts from, ``None`` for scratch.

    With ``default_hooks.fold_average.init='own_fold'`` a fold that would start from the winner of the stage before
    starts from the same fold of that stage, which has never trained on its held-out images.

    Args:
        cfg: Of the run.
        load_from: What it would start from.
    """
    settings = cfg.get('default_hooks', {}).get('fold_average') or {}
    if not load_from or settings.get('init') != OWN_FOLD:
        return load_from
    fold, path = fold_of(cfg), Path(load_from)
    return str(path.with_name(f'fold{fold}.pth')) if fold and path.name == WINNER_FILE else load_from


def _read_json(config: PathLike) -> Config:
    """Read a JSON config without running anything: it imports no modules and has no base files.

    Raises:
        ConfigError: If it has a base file, which may be Python.
    """
    if '_base_' in read_json(config):
        raise ConfigError(f'{config} has _base_: a JSON config stands alone. Write one with Config.dump().')
    return Config.fromfile(str(config), import_custom_modules=False)


def check_option(cfg: Config, option: str) -> None:
    """Refuse an override whose key looks like a misspelt one; new keys are fine.

    Raises:
        ConfigError: Naming the key and the one that is probably meant.
    """
    section: Any = cfg
    for key in option.split('.'):
        if not isinstance(section, dict | Config):
            return
        _check_spelling(key, section, f'--cfg-options {option}: ')
        section = section.get(key)


def _check_spelling(key: str, known: Collection[str], where: str) -> None:
    close = get_close_matches(key, [str(name) for name in known], n=1, cutoff=0.85)
    if key not in known and close:
        raise ConfigError(f'{where}{key} is unknown; is {close[0]} meant?')


def enable_amp(cfg: Config) -> None:
    """Train in mixed precision, as MMEngine's ``--amp``, and in channels-last format, which it is fastest in.

    Raises:
        ValueError: If the config has an optimizer wrapper of another kind.
    """
    kind = cfg.optim_wrapper.type
    if kind not in ('OptimWrapper', 'AmpOptimWrapper'):
        raise ValueError(f'--amp works with optim_wrapper.type OptimWrapper, not {kind}.')
    cfg.optim_wrapper.type = 'AmpOptimWrapper'
    cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    cfg.setdefault('channels_last', True)
