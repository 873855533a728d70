"""What a fold costs beside its training: `python benchmarks/fold_start.py --folds 25`.

Trains folds of a tiny network for an epoch or two each with `tools/run_recipe.py`, one after the other, each in a
clean process of its own. What is not inside the epochs (with their data loading) and the validations is the cost of a
fold: its process, the building of everything, resume points, the scoring and recording of its best weights, the end.
The start of the command, with the one fork server that imports everything, stands apart. CPU seconds are those of the
fold's process; beside other work they are the ones to compare.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mmseg_custom.plan_file import read_config

STAGE = """
_base_ = './base.py'
num_folds = {folds}
custom_imports = dict(imports=['mmseg_custom', 'fold_clock'], allow_failed_imports=False)
load_from = None
model = dict(backbone=dict(base_channels=4), decode_head=dict(
    in_channels=(4, 32), aspp_channels=8, c1_channels=4, channels=8))
data = dict(data_root='data', folds=dict(file='folds.json'))
train_dataloader = val_dataloader = test_dataloader = dict(dataset=data)
train_cfg = dict(max_epochs={epochs})
default_hooks = dict(fold_average=dict(stage_dir='work_dirs/short/stage1'))
custom_hooks = [
    dict(type='FoldClock', side='first', priority='HIGHEST'), dict(type='FoldClock', side='last', priority='LOWEST')]
"""
# What lies between a mark and the next one; a name that is not here is a hook's own time.
TRAINING = ('training', 'validation')
PARTS = {
    ('start', 'before_run first'): 'process, config, network, data',
    ('before_train_epoch last', 'after_train_epoch first'): 'training',
    ('before_val_epoch last', 'after_val_epoch first'): 'validation',
    ('before_val first', 'before_val last'): 'resume point before validation',
    ('after_val_epoch first', 'after_val_epoch last'): 'best weights, resume point',
    ('after_train first', 'after_train last'): 'scoring, record',
}
REST = 'hooks, logs, the rest of the run'


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--folds', type=int, default=25)
    parser.add_argument('--epochs', type=int, default=1)
    parser.add_argument('--images', type=int, default=40, help='of the train split, 64 x 32 pixels')
    parser.add_argument('--json', type=Path, help='keep the figures in this file')
    return parser.parse_args()


def say(line: str) -> None:
    print(line, flush=True)


def write_recipe(folder: Path, args: argparse.Namespace) -> None:
    """A data set and a plan of one stage; one fold is never trained, so that nothing is fused."""
    make = [
        sys.executable,
        ROOT / 'tools/make_streets.py',
        '--out',
        folder / 'data',
        '--height',
        '32',
        '--width',
        '64',
    ]
    subprocess.run([*make, '--train', str(args.images), '--val', '4'], check=True, capture_output=True)
    plan = folder / 'recipe'
    plan.mkdir()
    text = STAGE.format(root=ROOT, folds=args.folds + 1, epochs=args.epochs)
    read_config(ROOT / 'configs/streets_stage2.py').dump(plan / 'base.py')
    (plan / 'short_stage1.py').write_text(text)


def run(folder: Path, args: argparse.Namespace) -> float:
    """Seconds of the command that trains the folds."""
    environment = os.environ | {'PYTHONPATH': os.pathsep.join(map(str, (ROOT, ROOT / 'benchmarks')))}
    command = [sys.executable, ROOT / 'tools/run_recipe.py', 'recipe', '--folds', f'1-{args.folds}']
    started = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return time.perf_counter() - started


def read_clocks(run_folder: Path) -> list[list]:
    """Name, time and CPU time of all that the two clocks of a fold have noted, in order."""
    clocks = [json.loads((run_folder / f'clock_{side}.json').read_text()) for side in ('first', 'last')]
    return sorted(clocks[0] + clocks[1][1:], key=lambda mark: mark[1])


def parts_of(marks: list[list]) -> dict[str, list[float]]:
    """Seconds and CPU seconds of a fold by what they were spent on."""
    parts = {name: [0.0, 0.0] for name in [*PARTS.values(), REST]}
    for (before, begin, cpu_begin), (behind, end, cpu_end) in pairwise(marks):
        part = parts[PARTS.get((before, behind), REST)]
        part[0] += end - begin
        part[1] += cpu_end - cpu_begin
    return parts


def measure(folder: Path, args: argparse.Namespace) -> dict[str, list[float]]:
    """Median seconds and CPU seconds of a fold by part."""
    write_recipe(folder, args)
    total = run(folder, args)
    clocks = [read_clocks(folder / f'work_dirs/short_stage1_fold{fold}') for fold in range(1, args.folds + 1)]
    folds = [parts_of(marks) for marks in clocks]
    rows = {name: [statistics.median(fold[name][k] for fold in folds) for k in (0, 1)] for name in folds[0]}
    gaps = [behind[0][1] - before[-1][1] for before, behind in pairwise(clocks)]
    rows['end of the process, start of the next'] = [statistics.median(gaps), 0.0]
    beside = [seconds for name, seconds in rows.items() if name not in TRAINING]
    rows['a fold beside its training'] = [sum(column) for column in zip(*beside, strict=True)]
    rows['the command, once'] = [total - (clocks[-1][-1][1] - clocks[0][0][1]), 0.0]
    return rows


def main() -> None:
    args = parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(Path(folder), args)
    machine = f'{platform.machine()}, {len(os.sched_getaffinity(0))} CPU(s), load {os.getloadavg()[0]:.1f}'
    say(f'{args.folds} folds of {args.epochs} epoch(s), {machine}; medians')
    say(f'{"":40}{"s":>8}{"CPU s":>8}')
    for name, (seconds, cpu) in rows.items():
        say(f'{name:40}{seconds:8.3f}' + (f'{cpu:8.3f}' if cpu else ''))
    if args.json:
        args.json.write_text(json.dumps({'machine': machine, 'folds': args.folds, 'rows': rows}, indent=1))


if __name__ == '__main__':
    main()
