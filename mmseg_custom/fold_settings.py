"""How many folds a config trains, and which of them a run is."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg_custom.options import OptionError

NUM_FOLDS = 'num_folds'
COMMAND = 'command'  # In a config that `mmseg-kfold run` writes: what to call to go on.
MADE_OF = 'made_of'  # There: the user's config.
INNER = 'inner'  # The part of a fold's training images that chooses its weights, and the choice by it.
DEFAULT_NUM_FOLDS = 5
DEFAULT_SEED = 42  # Of the published recipe.
IN_FILE_NAME = '{num_folds}'
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
FOLD_NAME = re.compile(r'.+_fold(\d+)')


def fold_of(cfg: Config) -> int | None:
    """The fold that a config trains, ``None`` for the whole split."""
    folds = (leaf.get('fold') for leaf in _leaves(cfg, 'train_dataloader'))
    return next((fold for fold in folds if fold is not None), None)


def split_settings(cfg: Config) -> Mapping[str, Any]:
    """``folds`` of the data set that a config trains on, of the one with a fold if there are several; else empty."""
    found = [leaf for leaf in _leaves(cfg, 'train_dataloader') if leaf.get('folds')]
    with_fold = [leaf for leaf in found if leaf.get('fold') is not None]
    return next((leaf['folds'] for leaf in [*with_fold, *found]), {})


def check_num_folds(number: Any, where: Any) -> None:
    """See that a number of folds, ``None`` for a stage without, can be meant.

    Raises:
        OptionError: If not.
    """
    if number is not None and (not isinstance(number, int) or isinstance(number, bool) or number < 2):
        raise OptionError(f'{where}: num_folds={number!r} is no number of folds: use a whole number from 2.')


def set_num_folds(cfg: Config, number: int | None) -> None:
    """Write the number of folds into every data set of the loaders that has folds, and into their file's name.

    Args:
        cfg: Changed in place.
        number: ``None`` to leave it to the data sets.
    """
    for leaf in (leaf for loader in LOADERS for leaf in _leaves(cfg, loader)):
        folds = leaf.get('folds')
        if folds and number is not None:
            folds[NUM_FOLDS] = number
        if folds and folds.get('file'):
            folds['file'] = fold_file(folds)


def fold_file(folds: Mapping[str, Any]) -> str | None:
    """The file that keeps the folds of a data set, by its ``folds``; ``{num_folds}`` in its name is their number."""
    file = folds.get('file')
    return file and str(file).replace(IN_FILE_NAME, str(folds.get(NUM_FOLDS, DEFAULT_NUM_FOLDS)))


def choose_fold(cfg: Config, fold: int) -> None:
    """Let a config train a fold: its data sets of train and val that have folds take it.

    Raises:
        OptionError: If there is no such fold, or the config is that of another.
    """
    said, number = fold_of(cfg), cfg.get(NUM_FOLDS)
    if said is not None and said != fold:
        raise OptionError(f'{cfg.filename} is fold {said} by itself: leave out --fold {fold}.')
    if said is None and number is None:
        raise OptionError(f'{cfg.filename} trains no folds: leave out --fold {fold}, or let it say num_folds.')
    cut = [leaf for loader in LOADERS[:2] for leaf in _leaves(cfg, loader) if leaf.get('folds')]
    if not cut:
        raise OptionError(f'{cfg.filename}: no data set has folds=dict(file=...), so --fold {fold} cuts nothing.')
    for leaf in cut:
        leaf['fold'] = fold


def validates_on_trained(cfg: Config) -> bool:
    """Whether a config without a fold validates on the held-out images of one: it trains on them, too."""
    held_out = (leaf for leaf in _leaves(cfg, 'val_dataloader') if leaf.get('part') == 'val')
    return fold_of(cfg) is None and any(leaf.get('fold') is not None for leaf in held_out)


def held_out_loader(cfg: Config) -> Mapping[str, Any]:
    """The settings of the loader of a fold's held-out images, also of a run that validates on an inner part."""
    loader: Mapping[str, Any] = cfg.val_dataloader
    if loader['dataset'].get('part') != INNER:
        return loader
    return {**loader, 'dataset': {**loader['dataset'], 'part': 'val'}}


def use_held_out_images(cfg: Config, fold: int) -> None:
    """Let a config test on what a fold is validated on, in the place of the official val split."""
    for leaf in _leaves(cfg, 'test_dataloader'):
        if leaf.get('folds'):
            leaf.update(part='val', fold=fold)


def check_fold(cfg: Config) -> None:
    """See that the fold of a config exists and is that of its name.

    Raises:
        OptionError: If not.
    """
    fold, number = fold_of(cfg), cfg.get(NUM_FOLDS)
    named = FOLD_NAME.fullmatch(Path(cfg.filename or '').stem)
    if fold is None:
        return
    if named and int(named[1]) != fold:
        raise OptionError(f'{cfg.filename} says fold={fold}: let the number in its name and that in it be the same.')
    if number is not None and not 1 <= fold <= number:
        raise OptionError(
            f'{cfg.filename} has no fold {fold}: with num_folds={number} it trains folds 1 to {number}.'
        )


def check_one_fold(cfg: Config) -> None:
    """See that a config is one run: that of a fold, if it trains folds.

    Raises:
        OptionError: If it is all folds of a stage.
    """
    number = cfg.get(NUM_FOLDS)
    if number is not None and fold_of(cfg) is None:
        raise OptionError(
            f'{cfg.filename} trains {number} folds: say which one by --fold (1 to {number}), or train them all by '
            f'{cfg.get(COMMAND) or "tools/run_recipe.py"}; --cfg-options num_folds=None trains the whole split.'
        )


def plan_command(cfg: Mapping[str, Any], folder: Any = 'FOLDER') -> str:
    """What runs the plan that a config belongs to.

    Args:
        cfg: The config.
        folder: Of the plan, where it is known.
    """
    return cfg.get(COMMAND) or f'python tools/run_recipe.py {folder}'


def source_of(cfg: Config) -> str:
    """Where a config comes from, for a sentence that says it has changed: its file, or the user's and the options."""
    return f'{cfg[MADE_OF]} or an option of the command' if cfg.get(MADE_OF) else str(cfg.filename)


def _leaves(cfg: Config, loader: str) -> Iterator[dict]:
    """The settings of a loader's data sets, below any depth of wrappers."""
    dataset = (cfg.get(loader) or {}).get('dataset')
    if isinstance(dataset, dict):
        yield from _below(dataset)


def _below(dataset: dict) -> Iterator[dict]:
    if 'folds' in dataset:  # A fold of any data set has that one inside.
        yield dataset
        return
    inner = [dataset.get('dataset'), *(dataset.get('datasets') or ())]
    wrapped = [one for one in inner if isinstance(one, dict)]
    for one in wrapped:
        yield from _below(one)
    if not wrapped:
        yield dataset
