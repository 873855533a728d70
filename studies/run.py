"""What staged K-fold fusion is worth, measured: `python studies/run.py --data data/camvid`.

Trains the experiments of studies/experiments.py on CamVid, one after the other, through the `Recipe` that
`tools/run_recipe.py` runs: an interrupted call goes on where it stopped. Each finished experiment leaves a small file
in studies/results/; tables and figure are made of these files alone.

`--list` says what there is and what is done; `--only` chooses; `--jobs` trains the folds of a stage side by side.
All of it takes about nine hours of one core of 2020.
"""

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault('OMP_NUM_THREADS', '1')

from benchmarks.machine import describe_machine
from mmseg_custom.errors import UserError
from mmseg_custom.io.files import write_json
from mmseg_custom.launchers.local_pool import LocalPool
from mmseg_custom.messages import say
from mmseg_custom.plan.plan import Plan
from mmseg_custom.plan.recipe import Recipe
from studies.configs import Lab
from studies.experiments import Experiment, all_experiments
from studies.figure import draw
from studies.results import finding_of, load_all
from studies.tables import describe, tables

RESULTS = Path(__file__).resolve().parent / 'results'
FIGURE = ROOT / 'docs/images/fusion.png'


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Trains and compares plans on CamVid.')
    parser.add_argument('--data', type=Path, default=ROOT / 'data/camvid', help='as docs/how_to/own_data.md has it')
    parser.add_argument('--work-dir', type=Path, default=ROOT / 'work_dirs/accuracy')
    parser.add_argument('--only', nargs='+', metavar='EXPERIMENT', help='names (default: all that are not done)')
    parser.add_argument('--jobs', type=int, default=1, help='folds side by side, one thread each')
    parser.add_argument('--list', action='store_true', help='say what there is and what is done')
    parser.add_argument('--tables', action='store_true', help='only print the tables and draw the figure')
    args = parser.parse_args()
    unknown = sorted(set(args.only or ()) - set(all_experiments()))
    if unknown:
        parser.error(f'--only {" ".join(unknown)}: see --list')
    return args


def train(experiment: Experiment, lab: Lab, jobs: int) -> None:
    """Train a plan, or what is missing of it, and keep what it found."""
    say(f'{experiment.key}: {describe(experiment)}')
    recipe = Recipe(Plan(lab.plan(experiment)), LocalPool(jobs), say)
    with recipe.pool.stopped_by_signals(recipe.report):
        recipe.run()
    finding = finding_of(experiment, recipe.ledgers(), describe_machine('cpu', 1))
    write_json(finding, RESULTS / f'{experiment.key}.json')


def main() -> None:
    args = parse_args()
    experiments, done = all_experiments(), load_all(RESULTS)
    if args.list:
        return say(
            '\n'.join(f'{"done" if key in done else "":5}{key:32}{describe(e)}' for key, e in experiments.items())
        )
    if not args.tables:
        lab = Lab(args.work_dir, args.data, len(list((args.data / 'images/train').iterdir())))
        for key in args.only or [key for key in experiments if key not in done]:
            train(experiments[key], lab, args.jobs)
    findings = load_all(RESULTS)
    say(tables(findings))
    draw(findings, FIGURE)


if __name__ == '__main__':
    try:
        main()
    except UserError as error:
        raise SystemExit(str(error)) from None
