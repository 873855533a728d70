"""How long a user waits for the first training step: `python benchmarks/first_step.py`.

From the command to the end of the first step of SegFormer-B0, by MMSegmentation's own `tools/train.py` and by
`mmseg-kfold run` with and without its preflight, in turn, one thread a process.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import mmseg
from any_config import CONFIG, ROOT

CLOCK = """
custom_imports = dict(imports=['first_step_clock'], allow_failed_imports=False)
custom_hooks = [dict(type='FirstStepClock')]
val_dataloader = dict(batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False), dataset=dict(
    train_dataloader['dataset'], data_prefix=dict(img_path='leftImg8bit/val', seg_map_path='gtFine/val'),
    pipeline=test_pipeline))
val_evaluator, val_cfg = dict(type='IoUMetric'), dict(type='ValLoop')
test_dataloader, test_evaluator, test_cfg = val_dataloader, val_evaluator, dict(type='TestLoop')
"""
HOST = Path(mmseg.__file__).parent / '.mim'


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=3, help='of each; the medians count')
    return parser.parse_args()


def seconds_to_first_step(command: list, folder: Path) -> float:
    """Seconds from a command to the end of its first training step; its output is shown if there is none."""
    shutil.rmtree(folder / 'work', ignore_errors=True)
    mark = folder / 'first_step'
    mark.unlink(missing_ok=True)
    paths = os.pathsep.join(map(str, (ROOT, ROOT / 'benchmarks')))
    environment = os.environ | {'OMP_NUM_THREADS': '1', 'PYTHONPATH': paths, 'FIRST_STEP': str(mark)}
    began = time.time()
    done = subprocess.run(list(map(str, command)), cwd=folder, env=environment, capture_output=True, text=True)
    if not mark.is_file():
        raise SystemExit(done.stdout[-2000:] + done.stderr[-4000:])
    return float(mark.read_text()) - began


def main() -> None:
    args = parse_args()
    kfold = [sys.executable, ROOT / 'tools/kfold.py', 'run', 'config.py', '--folds', '5', '--work-dir', 'work']
    commands = {
        "MMSegmentation's tools/train.py": [
            sys.executable,
            HOST / 'tools/train.py',
            'config.py',
            '--work-dir',
            'work',
        ],
        'mmseg-kfold run --no-preflight': [*kfold, '--no-preflight', '--only', '1'],
        'mmseg-kfold run': [*kfold, '--only', '1'],
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        streets = [sys.executable, ROOT / 'tools/make_streets.py', '--out', 'data', '--train', '40', '--val', '4']
        subprocess.run(list(map(str, streets)), cwd=folder, check=True, capture_output=True)
        (folder / 'config.py').write_text(CONFIG.format(mim=HOST / 'configs', iters=200) + CLOCK)
        for _ in range(args.rounds):
            for name, command in commands.items():
                taken[name].append(seconds_to_first_step(command, folder))
    print(f'seconds to the end of the first training step, load {os.getloadavg()[0]:.1f}; medians of {args.rounds}')
    for name, seconds in taken.items():
        print(f'{name:34}{statistics.median(seconds):6.1f}')


if __name__ == '__main__':
    main()
