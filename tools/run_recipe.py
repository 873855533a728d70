"""Run every stage and fold of a folder of configs: `python tools/run_recipe.py configs/streets`."""

import _bootstrap  # noqa: I001

import argparse

from mmengine.config import DictAction

from mmseg_custom.reports import recipe_table, report_or_curves
from mmseg_custom.reports.live_table import live_table
from mmseg_custom.stages import LocalPool, Plan, Recipe


def numbers(text: str) -> set[int]:
    """Read `2-3,5` as {2, 3, 5}."""
    ranges = [part.split('-') for part in text.split(',')]
    return {number for ends in ranges for number in range(int(ends[0]), int(ends[-1]) + 1)}


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Run a staged K-fold recipe; goes on where it stopped.')
    parser.add_argument('folder', help='folder of configs; it is the plan')
    parser.add_argument('--stages', type=numbers, help='e.g. 2-3 (default: all)')
    parser.add_argument('--folds', type=numbers, help='e.g. 1,4 (default: all)')
    parser.add_argument('--jobs', type=int, default=1, help='folds trained side by side (default: 1)')
    parser.add_argument('--dry-run', action='store_true', help='say what would be done')
    parser.add_argument('--force', action='store_true', help='put changed runs and all stages behind aside')
    parser.add_argument('--keep-going', action='store_true', help='fuse a stage without its failed folds')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, help='overrides for every config')
    return parser.parse_args()


def say(line: str) -> None:
    """Print a line at once, also into a pipe."""
    print(line, flush=True)


def main() -> None:
    args = parse_args()
    plan = Plan(args.folder)
    recipe = Recipe(plan, LocalPool(args.jobs), say, args.cfg_options, args.keep_going)
    if args.dry_run:
        return say('\n'.join(recipe.describe(args.stages, args.folds)))
    with live_table(recipe), recipe.pool.stopped_by_signals(recipe.report):
        recipe.run(args.stages, args.folds, args.force)
    ledgers = recipe.ledgers()
    say(recipe_table(ledgers))
    winners = [ledger.winner_path for ledger in ledgers.values() if ledger.outcome()]
    say(f'winner: {winners[-1] if winners else "none yet"}')
    say(report_or_curves(next(iter(ledgers.values())).folder.parent, ledgers, args.cfg_options))


if __name__ == '__main__':
    _bootstrap.run(main)
