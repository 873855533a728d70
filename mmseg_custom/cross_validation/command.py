"""What `mmseg-kfold` does once its arguments are read."""

import shlex
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmengine.config import Config

import mmseg_custom  # noqa: F401 (registers everything)
from mmseg_custom.config import length_of
from mmseg_custom.cross_validation.distill import check_distillable, distilled
from mmseg_custom.cross_validation.fold_config import HOLDOUT, VAL, FoldOptions
from mmseg_custom.cross_validation.fold_scores import out_of_fold_table
from mmseg_custom.cross_validation.fold_table import fold_table
from mmseg_custom.cross_validation.refit import Refit, describe_refit, train_refit
from mmseg_custom.cross_validation.run import (
    FOLD_FILE,
    LABEL_COUNTS,
    Prepared,
    plan_kept,
    prepare_run,
    recipe_of,
    run_folds,
)
from mmseg_custom.cross_validation.user_config import read_user_config
from mmseg_custom.datasets.folds.any_folds import Folds, num_folds_in
from mmseg_custom.fold_settings import DEFAULT_NUM_FOLDS, INNER
from mmseg_custom.io.lease import RECIPE_LEASE, refuse_while_held
from mmseg_custom.launchers.local_pool import LocalPool
from mmseg_custom.ledger.run_folder import stage_folder
from mmseg_custom.messages import say
from mmseg_custom.options import OptionError
from mmseg_custom.plan.recipe import Recipe
from mmseg_custom.preflight.before_training import check_first, describe_first, look_at_files, runs_to_train
from mmseg_custom.reports import recipe_table, report_line, write_report
from mmseg_custom.reports.findings.out_of_fold import RESULT_FILE, TABLE_FILE, OutOfFold
from mmseg_custom.reports.live_table import live_table


def run(args: Namespace) -> None:
    """`mmseg-kfold run`."""
    user = read_user_config(args.config, args.cfg_options or {})
    folder = Path(args.work_dir or Path('work_dirs') / f'{Path(user.filename).stem}_kfold')
    file = _given_splits(args.splits) if args.splits else folder / FOLD_FILE
    names = ('monitor', 'select', 'fix_list', 'max_iters', 'max_epochs', 'val_interval', 'seed', 'stages')
    if args.select == INNER and args.stages > 1:
        raise OptionError(
            f'--select inner with --stages {args.stages}: the folds of a later stage start from an average that has '
            'been trained on their inner parts, so nothing can be chosen there. Use --select last or best.'
        )
    given = {name: getattr(args, name) for name in names} | {'command': shown_command(args.words)}
    num_folds = args.folds or num_folds_in(file) or DEFAULT_NUM_FOLDS
    options = FoldOptions(
        folder, num_folds, folder / FOLD_FILE, **given, scored_on=scored_on(user, args.holdout, args.stages)
    )
    folds = Folds(file, args.folds, args.seed, args.group_by, args.block_size, args.holdout)
    if args.distill:
        check_distillable(user)
    with plan_kept(folder) as renew:
        if not args.dry_run:
            refuse_while_held(folder / RECIPE_LEASE, f'{folder} is being run')
        prepared = prepare_run(user, options, folds, args.stratify, args.allow_leaks, say)
        recipe = recipe_of(prepared, LocalPool(min(args.jobs, num_folds)), say)
        prepared.plan.check_chosen(None, args.only, '--only')
        say(_what(prepared, recipe))
        say(fold_table(prepared.folds.split, prepared.folds.of_fold, prepared.folds.classes))
        look_ahead(args, recipe, prepared)
        if args.dry_run:
            return
        renew()
    with live_table(recipe), recipe.pool.stopped_by_signals(recipe.report):
        results = run_folds(prepared, recipe, args.only, args.force)
    tell(options, recipe, results)
    for refit in asked_refits(args, options) if options.stages in results else ():
        found = results[options.stages]
        train_refit(user, prepared.options, found, refit, LocalPool(1), say, args.force)
        say(describe_refit(options, found, refit))
    say(report_line(folder))


def report(args: Namespace) -> None:
    """`mmseg-kfold report`."""
    say(f'report: {write_report(args.folder)}')


def look_ahead(args: Namespace, recipe: Recipe, prepared: Prepared) -> None:
    """Say what is to be done, and see that it can be.

    Raises:
        UserError: Whatever can be known before the first step.
    """
    if args.dry_run:
        say('\n'.join(recipe.describe(folds=args.only)))
        for name in (name for name in ('refit', 'distill') if getattr(args, name)):
            say(f'{name}: one model on the images of all folds, behind them')
    configs = runs_to_train(recipe.state, args.only, force=args.force or args.dry_run)
    if not configs:
        say('All of these folds are finished: none of them is trained.')
    if args.preflight and configs:
        official = configs[0].test_dataloader.dataset if prepared.options.scored_on == VAL else None
        look_at_files(prepared.folds, official, prepared.options.folder / LABEL_COUNTS, not args.stratify, say)
        look = describe_first if args.dry_run else check_first
        look(recipe, configs, prepared.folds.split, say)


def asked_refits(args: Namespace, options: FoldOptions) -> Iterator[Refit]:
    """The models that are trained on everything."""
    if args.refit:
        yield Refit()
    if args.distill:
        yield distilled(options)


def shown_command(words: Sequence[str]) -> str:
    """The command that goes on with all folds: as it was called, without what concerns one call."""
    program = sys.argv[0] if Path(sys.argv[0]).name == 'kfold.py' else ''
    kept, words = [], iter(words)
    for word in words:
        if word == '--only':
            next(words, None)
        elif word not in ('--dry-run', '--force', '--no-preflight') and not word.startswith('--only='):
            kept.append(word)
    return shlex.join([*(('python', program) if program else ('mmseg-kfold',)), *kept])


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
        folder = stage_folder(options.folder, number)
        say(f'kept in {folder / RESULT_FILE} and {TABLE_FILE}; weights: {folder}/fold*.pth')
    if options.scored_on and results:
        say(f'Scored on {"the val split of the config" if options.scored_on == VAL else "the holdout"}, as "val":')
        say(recipe_table(recipe.ledgers()))


def _what(prepared: Prepared, recipe: Recipe) -> str:
    split, stage = prepared.folds.split, prepared.plan.stages[0]
    cfg = recipe.state.config(stage.runs[0])
    length, unit = length_of(cfg)
    sizes = [len(part) for part in split.folds]
    return (
        f'{sum(sizes)} images in {len(sizes)} folds of {min(sizes)} to {max(sizes)}, kept in '
        f'{prepared.options.fold_file}; {length} {unit}s each; config: {stage.runs[0].config}'
    )


def _given_splits(file: str) -> Path:
    if not Path(file).is_file():
        raise OptionError(f'--splits {file}: there is no such file (seen from {Path.cwd()}).')
    return Path(file)
