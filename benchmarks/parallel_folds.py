"""Folds beside each other, and one fold on two processes: `python benchmarks/parallel_folds.py`.

Trains a stage of the small street scenes with `tools/run_recipe.py --jobs 1` and `--jobs 2`, and its first fold with
`tools/dist_train.sh` on one process and on two, in turn, PyTorch on one thread a process. Efficiency is the time of
one divided by twice that of two; CPU seconds a fold, which other work beside hardly changes, say whether two disturb
each other. Orchestration is what the command takes beside the epochs of its folds: starting,
building, saving, recording, fusing.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / 'tools'
sys.path.insert(0, str(ROOT))

from mmseg_custom.ledger.stage_ledger import StageLedger
from mmseg_custom.plan_file import read_config

STAGE = """
_base_ = './base.py'
num_folds = {folds}
custom_imports = dict(imports=['mmseg_custom', 'fold_clock'], allow_failed_imports=False)
custom_hooks = [dict(type='FoldClock', side='last', priority='LOWEST')]
load_from = None
dataset = dict(data_root='data', folds=dict(file='folds.json'))
train_dataloader = dict(batch_size=8, dataset=dataset)
val_dataloader = test_dataloader = dict(dataset=dataset)
param_scheduler = dict(T_max={epochs})
train_cfg = dict(max_epochs={epochs})
default_hooks = dict(fold_average=dict(stage_dir='work_dirs/side/stage1'))
"""


class Sample(NamedTuple):
    """A command: its seconds, those of the epochs it trained, and CPU seconds of each fold's own process."""

    wall: float
    epochs: float
    cpu: float


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--folds', type=int, default=4, help='of the stage, an even number')
    parser.add_argument('--epochs', type=int, default=10)
    parser.add_argument('--images', type=int, default=100, help='of the train split, 256 x 128 pixels')
    parser.add_argument('--rounds', type=int, default=3, help='of each; the medians count')
    return parser.parse_args()


def say(line: str) -> None:
    print(line, flush=True)


def call(command: list[str | Path], folder: Path) -> None:
    """Run a command in a folder; its output is shown if it fails."""
    path = f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}'
    environment = os.environ | {'PATH': path, 'OMP_NUM_THREADS': '1'}
    environment['PYTHONPATH'] = os.pathsep.join(map(str, (ROOT, ROOT / 'benchmarks')))
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)


def write_recipe(folder: Path, args: argparse.Namespace) -> None:
    """A data set and a plan of one stage."""
    make = [sys.executable, TOOLS / 'make_streets.py', '--out', folder / 'data']
    call([*make, '--train', str(args.images), '--val', '20'], folder)
    plan = folder / 'recipe'
    plan.mkdir()
    read_config(ROOT / 'configs/streets_stage2.py').dump(plan / 'base.py')
    (plan / 'side_stage1.py').write_text(STAGE.format(root=ROOT, folds=args.folds, epochs=args.epochs))


def measure(command: list[str | Path], folder: Path) -> Sample:
    """Run a command that trains folds from nothing."""
    shutil.rmtree(folder / 'work_dirs', ignore_errors=True)
    started = time.perf_counter()
    call(command, folder)
    wall = time.perf_counter() - started
    ledger = StageLedger(folder / 'work_dirs/side/stage1')
    epochs = sum(ledger.entry(ingredient)['seconds'] for ingredient in ledger.finished_runs())
    clocks = [json.loads(path.read_text()) for path in (folder / 'work_dirs').glob('*/clock_last.json')]
    return Sample(wall, epochs, statistics.mean(marks[-1][2] for marks in clocks))


def efficiency(one: list[float], two: list[float]) -> float:
    """Of twice the workers."""
    return statistics.median(one) / statistics.median(two) / 2


def show(samples: dict[str, list[Sample]]) -> None:
    """A line a command, then the figures."""
    for name, taken in samples.items():
        middle = Sample(*(statistics.median(column) for column in zip(*taken, strict=True)))
        say(f'{name:22}{middle.wall:12.1f}{middle.epochs:12.1f}{middle.cpu:14.1f}')
    folds = [[sample.wall for sample in samples[f'--jobs {jobs}']] for jobs in (1, 2)]
    ranks = [[sample.epochs for sample in samples[f'{number} process(es)']] for number in (1, 2)]
    beside = statistics.median(sample.wall - sample.epochs for sample in samples['--jobs 1'])
    say(f'\nefficiency of folds on 2 workers: {efficiency(*folds):.2f}')
    say(f'efficiency of a fold on 2 processes: {efficiency(*ranks):.2f}')
    say(
        f'orchestration: {beside:.1f} s of a stage with --jobs 1, {beside / statistics.median(folds[0]):.1%} of it; '
        f'below 2 % of a stage that takes more than {beside * 50 / 60:.0f} min'
    )


def main() -> None:
    args = parse_args()
    recipe, launch = [sys.executable, TOOLS / 'run_recipe.py', 'recipe'], ['bash', TOOLS / 'dist_train.sh']
    commands = {f'--jobs {jobs}': [*recipe, '--jobs', jobs] for jobs in ('1', '2')}
    for number in ('1', '2'):
        commands[f'{number} process(es)'] = [*launch, 'recipe/side_stage1.py', number, '--fold', '1']
    samples = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as folder:
        write_recipe(Path(folder), args)
        for _ in range(args.rounds):
            for name, command in commands.items():
                samples[name].append(measure(command, Path(folder)))
    machine = f'{len(os.sched_getaffinity(0))} CPU(s), load {os.getloadavg()[0]:.1f}'
    say(f'{args.folds} folds of {args.epochs} epochs, {machine}; medians of {args.rounds}')
    say(f'{"":22}{"s":>12}{"s in epochs":>12}{"CPU s a fold":>14}')
    show(samples)


if __name__ == '__main__':
    main()
