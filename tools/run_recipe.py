"""Run every stage and fold of a plan: `python tools/run_recipe.py configs/streets.py`."""

import _bootstrap  # noqa: I001

import argparse
from typing import TYPE_CHECKING

from mmseg_kfold.options import add_overrides, number, numbers

if TYPE_CHECKING:
    from mmseg_custom.launchers.pool import Pool
    from mmseg_custom.plan.recipe import Recipe


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Run a staged K-fold recipe; goes on where it stopped.')
    parser.add_argument('plan', help='the file of a plan, or a folder of its stages')
    parser.add_argument('--stages', type=numbers, help='e.g. 2-3 (default: all)')
    parser.add_argument('--folds', type=numbers, help='e.g. 1,4 (default: all)')
    parser.add_argument(
        '--jobs', type=number(low=1), help='folds trained side by side (default: 1; on Ray as many as fit)'
    )
    parser.add_argument(
        '--repeats', type=number(low=1), default=1, help='run it with so many seeds, each in its own folders'
    )
    parser.add_argument('--dry-run', action='store_true', help='say what would be done')
    parser.add_argument('--force', action='store_true', help='archive changed runs and all later stages')
    parser.add_argument('--keep-going', action='store_true', help='fuse a stage without its failed folds')
    parser.add_argument(
        '--early-stop', action='store_true', help='end the plan after a stage without significant gain'
    )
    parser.add_argument('--past-early-stop', action='store_true', help='go on behind a stage that ended the plan')
    add_overrides(parser, 'overrides for every config')
    parser.add_argument('--launcher', choices=['local', 'ray'], default='local', help='where folds are trained')
    ray = parser.add_argument_group('with --launcher ray; its nodes share a file system')
    options = [
        ray.add_argument('--ray-address', help='of the cluster (default: RAY_ADDRESS, or the one of this machine)'),
        ray.add_argument('--cpus-per-fold', type=number(float, above=0), help='CPUs and threads a fold (default: 1)'),
        ray.add_argument(
            '--gpus-per-fold', type=number(float, 0, 1), help='0 to 1 (default: 1 if the cluster has any)'
        ),
        ray.add_argument(
            '--retries', type=number(low=0), help='starts of a fold that is lost with its node (default: 3)'
        ),
    ]
    args = parser.parse_args()
    unused = [option.option_strings[0] for option in options if getattr(args, option.dest) is not None]
    if unused and args.launcher != 'ray':
        parser.error(f'{", ".join(unused)}: only with --launcher ray')
    args.trains = args.launcher == 'local' and not args.dry_run
    return args


def build_pool(args: argparse.Namespace) -> 'Pool':
    """Where the folds are trained; a dry run needs no cluster."""
    from mmseg_custom.launchers.local_pool import LocalPool
    from mmseg_custom.launchers.ray_pool import RayPool

    if args.launcher == 'local' or args.dry_run:
        return LocalPool(args.jobs or 1)
    given = {'cpus': args.cpus_per_fold, 'gpus': args.gpus_per_fold, 'retries': args.retries}
    options = {name: value for name, value in given.items() if value is not None}
    return RayPool(args.ray_address, args.jobs, **options)


def say(line: str) -> None:
    """Print a line at once, also into a pipe."""
    print(line, flush=True)


def run(recipe: 'Recipe', args: argparse.Namespace) -> None:
    """Run a recipe and say what came of it."""
    from mmseg_custom.reports import recipe_table
    from mmseg_custom.reports.live_table import live_table

    with live_table(recipe), recipe.pool.stopped_by_signals(recipe.report):
        recipe.run(args.stages, args.folds, args.force, args.past_early_stop)
    ledgers = recipe.ledgers()
    say(recipe_table(ledgers))
    winners = [ledger.winner_path for ledger in ledgers.values() if ledger.outcome()]
    say(f'winner: {winners[-1] if winners else "none yet"}')


def main(args: argparse.Namespace) -> None:
    from mmseg_custom.plan.plan import Plan
    from mmseg_custom.plan.recipe import Recipe

    plan = Plan(args.plan, args.cfg_options)
    plan.check_chosen(args.stages, args.folds)
    pool = build_pool(args)
    options = (args.keep_going, args.early_stop)
    recipes = [Recipe(plan, pool, say, *options, repeat) for repeat in range(args.repeats)]
    for count, recipe in enumerate(recipes, start=1):
        if args.repeats > 1:
            say(f'repeat {count} of {args.repeats}, {recipe.state.folder}:')
        if args.dry_run:
            say('\n'.join(recipe.describe(args.stages, args.folds, args.past_early_stop)))
        else:
            run(recipe, args)
    if args.dry_run:
        return
    from mmseg_custom.reports import read_repeats, repeats_table, report_line

    folder = recipes[0].state.folder
    if args.repeats > 1:
        say(repeats_table(read_repeats(folder)))
    say(report_line(folder, args.cfg_options))


if __name__ == '__main__':
    _bootstrap.run(parse_args, main)
