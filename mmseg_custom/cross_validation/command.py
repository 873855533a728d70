"""What `mmseg-kfold` does once its arguments are read."""

import sys
from argparse import Namespace
from functools import partial
from pathlib import Path
from typing import Any

from mmengine.config import Config, DictAction

import mmseg_custom  # noqa: F401 (registers everything)
from mmseg_custom.config import length_of
from mmseg_custom.cross_validation.before_training import check_first, describe_first
from mmseg_custom.cross_validation.fold_config import HOLDOUT, VAL, FoldOptions
from mmseg_custom.cross_validation.fold_table import fold_table
from mmseg_custom.cross_validation.out_of_fold import RESULT_FILE, OutOfFold, out_of_fold_table
from mmseg_custom.cross_validation.out_of_fold_command import find_label_errors, predict_out_of_fold
from mmseg_custom.cross_validation.run import FOLD_FILE, Prepared, prepare_run, read_user_config, recipe_of, run_folds
from mmseg_custom.datasets.folds.any_folds import Folds
from mmseg_custom.engine.distributed.process_group import leave_process_group
from mmseg_custom.errors import UserError
from mmseg_custom.launchers.local_pool import LocalPool
from mmseg_custom.options import OptionError
from mmseg_custom.plan.recipe import Recipe
from mmseg_custom.reports import recipe_table
from mmseg_custom.reports.live_table import live_table


def run_command(args: Namespace) -> None:
    """Run a command; errors that a user can mend end in their message alone."""
    try:
        COMMANDS[args.command](args)
        leave_process_group()
    except (UserError, OSError) as error:
        print(f'mmseg-kfold: {error}', file=sys.stderr, flush=True)
        raise SystemExit(getattr(error, 'exit_code', 1)) from None
    except KeyboardInterrupt:
        raise SystemExit('\nStopped; what is finished is kept. The same command goes on from here.') from None


def run(args: Namespace) -> None:
    """`mmseg-kfold run`."""
    user = read_user_config(args.config, _overrides(args.cfg_options))
    folder = Path(args.work_dir or Path('work_dirs') / f'{Path(args.config).stem}_kfold')
    file = Path(args.splits) if args.splits else folder / FOLD_FILE
    names = ('monitor', 'select', 'max_iters', 'max_epochs', 'val_interval', 'seed', 'stages')
    given = {name: getattr(args, name) for name in names}
    options = FoldOptions(folder, args.folds, file, **given, scored_on=scored_on(user, args.holdout, args.stages))
    folds = Folds(file, args.folds, args.seed, args.group_by, args.block_size, args.holdout)
    prepared = prepare_run(user, options, folds, args.stratify, args.allow_leaks, say)
    recipe = recipe_of(prepared, LocalPool(min(args.jobs, args.folds)), say)
    prepared.plan.check_chosen(None, args.only)
    say(_what(prepared, recipe))
    say(fold_table(prepared.folds.split, prepared.folds.of_fold, prepared.folds.classes))
    split = prepared.folds.split
    if args.dry_run:
        say('\n'.join(recipe.describe(folds=args.only)))
        if args.preflight:
            describe_first(recipe, split, args.only, say)
        return
    if args.preflight:
        check_first(recipe, split, args.only, args.force, say)
    with live_table(recipe), recipe.pool.stopped_by_signals(recipe.report):
        results = run_folds(prepared, recipe, args.only, args.force)
    tell(options, recipe, results)


def scored_on(user: Config, holdout: float | None, stages: int) -> str | None:
    """The images that choose among candidates: what is carved out, else the config's val split, if there is one.

    Raises:
        OptionError: If there are none and several stages need them.
    """
    found = HOLDOUT if holdout else VAL if user.get('val_dataloader') else None
    if found is None and stages > 1:
        raise OptionError(
            f'--stages {stages}: a stage starts from the winner of the one before, chosen on images that no fold is '
            'trained on, and the config has no val_dataloader: add --holdout 0.1.'
        )
    return found


def tell(options: FoldOptions, recipe: Recipe, results: dict[int, OutOfFold]) -> None:
    """Say what the folds came to."""
    if not results:
        say('The numbers over all folds come when all are trained: the same command without --only.')
    for number, result in results.items():
        title = f'stage {number}, out of fold:\n' if options.stages > 1 else ''
        say(title + out_of_fold_table(result))
        folder = options.folder / f'stage{number}'
        say(f'kept in {folder / RESULT_FILE}; weights: {folder}/fold*.pth')
    if options.scored_on and results:
        say(f'Scored on {"the val split of the config" if options.scored_on == VAL else "the holdout"}, as "val":')
        say(recipe_table(recipe.ledgers()))


def say(line: str) -> None:
    """Print a line at once, also into a pipe."""
    print(line, flush=True)


COMMANDS = {
    'run': run,
    'out-of-fold': partial(predict_out_of_fold, say=say),
    'label-errors': partial(find_label_errors, say=say),
}


def _what(prepared: Prepared, recipe: Recipe) -> str:
    split, stage = prepared.folds.split, prepared.plan.stages[0]
    cfg = recipe.state.config(stage.runs[0])
    length, unit = length_of(cfg)
    sizes = [len(part) for part in split.folds]
    return (
        f'{sum(sizes)} images in {len(sizes)} folds of {min(sizes)} to {max(sizes)}, kept in '
        f'{prepared.options.fold_file}; {length} {unit}s each; config: {stage.runs[0].config}'
    )


def _overrides(given: dict[str, str]) -> dict[str, Any]:
    return {key: DictAction._parse_iterable(value) for key, value in given.items()}
