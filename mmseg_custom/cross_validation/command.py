"""What `mmseg-kfold` does once its arguments are read."""

import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from mmengine.config import DictAction

import mmseg_custom  # noqa: F401 (registers everything)
from mmseg_custom.config import length_of
from mmseg_custom.cross_validation.fold_config import FoldOptions
from mmseg_custom.cross_validation.out_of_fold import RESULT_FILE, out_of_fold_table
from mmseg_custom.cross_validation.run import FOLD_FILE, Prepared, prepare_run, read_user_config, recipe_of, run_folds
from mmseg_custom.datasets.folds.any_folds import Folds
from mmseg_custom.engine.distributed.process_group import leave_process_group
from mmseg_custom.errors import UserError
from mmseg_custom.launchers.local_pool import LocalPool
from mmseg_custom.plan.recipe import Recipe
from mmseg_custom.reports.live_table import live_table


def run_command(args: Namespace) -> None:
    """Run a command; errors that a user can mend end in their message alone."""
    try:
        run(args)
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
    options = FoldOptions(
        folder,
        args.folds,
        file,
        args.monitor,
        args.select,
        args.max_iters,
        args.max_epochs,
        args.val_interval,
        args.seed,
    )
    folds = Folds(file, args.folds, args.seed, args.group_by, args.block_size, args.holdout)
    prepared = prepare_run(user, options, folds, args.stratify, args.allow_leaks, say)
    recipe = recipe_of(prepared, LocalPool(args.jobs), say)
    prepared.plan.check_chosen(None, args.only)
    say(_what(prepared, recipe))
    if args.dry_run:
        say('\n'.join(recipe.describe(folds=args.only)))
        return
    with live_table(recipe), recipe.pool.stopped_by_signals(recipe.report):
        result = run_folds(prepared, recipe, args.only, args.force)
    if result is None:
        say('The numbers over all folds come when all are trained: the same command without --only.')
        return
    say(out_of_fold_table(result))
    say(f'kept in {options.folder / "stage1" / RESULT_FILE}; weights: {options.folder / "stage1"}/fold*.pth')


def say(line: str) -> None:
    """Print a line at once, also into a pipe."""
    print(line, flush=True)


def _what(prepared: Prepared, recipe: Recipe) -> str:
    split, (stage,) = prepared.folds.split, prepared.plan.stages
    cfg = recipe.state.config(stage.runs[0])
    length, unit = length_of(cfg)
    sizes = [len(part) for part in split.folds]
    return (
        f'{sum(sizes)} images in {len(sizes)} folds of {min(sizes)} to {max(sizes)}, kept in '
        f'{prepared.options.fold_file}; {length} {unit}s each; config: {stage.runs[0].config}'
    )


def _overrides(given: dict[str, str]) -> dict[str, Any]:
    return {key: DictAction._parse_iterable(value) for key, value in given.items()}
