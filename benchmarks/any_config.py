"""K folds of a stock config against the script one would write: `python benchmarks/any_config.py`.

Trains SegFormer-B0 of MMSegmentation, iteration loop and MMEngine's hooks, on street scenes, one thread a process,
three ways in turn: by `benchmarks/peers/kfold_script.py`, by `mmseg-kfold run`, and by `mmseg-kfold run --jobs 2`.
What the command does beside the folds (folds, preflight, ledger, pooled scores, report) is the difference.
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

ROOT = Path(__file__).resolve().parent.parent
SCRIPT, COMMAND = ROOT / 'benchmarks/peers/kfold_script.py', ROOT / 'tools/kfold.py'

CONFIG = """
_base_ = ['{mim}/_base_/models/segformer_mit-b0.py', '{mim}/_base_/default_runtime.py']
data_preprocessor = dict(size=(128, 256))
model = dict(pretrained=None, backbone=dict(init_cfg=None), decode_head=dict(num_classes=34))
model['data_preprocessor'] = data_preprocessor
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs'),
]
test_pipeline = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'), dict(type='PackSegInputs')]
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='BaseSegDataset',
        metainfo=dict(classes=[str(label) for label in range(34)]),
        img_suffix='_leftImg8bit.png',
        seg_map_suffix='_gtFine_labelIds.png',
        data_root='data',
        data_prefix=dict(img_path='leftImg8bit/train', seg_map_path='gtFine/train'),
        pipeline=train_pipeline,
    ),
)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=6e-5, weight_decay=0.01))
param_scheduler = [dict(type='PolyLR', eta_min=0.0, power=1.0, begin=0, end={iters}, by_epoch=False)]
train_cfg = dict(type='IterBasedTrainLoop', max_iters={iters}, val_interval={iters})
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='CheckpointHook', by_epoch=False, interval={iters}),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='SegVisualizationHook'),
)
"""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--folds', type=int, default=5)
    parser.add_argument('--iters', type=int, default=200, help='of each fold, batches of 2')
    parser.add_argument('--images', type=int, default=100, help='of the train split, 256 x 128 pixels')
    parser.add_argument('--rounds', type=int, default=2, help='of each; the medians count')
    return parser.parse_args()


def call(command: list, folder: Path) -> float:
    """Seconds that a command takes; its output is shown if it fails."""
    environment = os.environ | {'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(ROOT)}
    started = time.perf_counter()
    done = subprocess.run(list(map(str, command)), cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stdout[-2000:] + done.stderr[-4000:])
    return time.perf_counter() - started


def main() -> None:
    args = parse_args()
    run = [sys.executable, COMMAND, 'run', 'config.py', '--folds', args.folds, '--work-dir', 'work/run']
    commands = {
        'the script': [sys.executable, SCRIPT, 'config.py', args.folds, 'work/script'],
        'mmseg-kfold run': run,
        'mmseg-kfold run --jobs 2': [*run, '--jobs', '2'],
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    streets = [sys.executable, ROOT / 'tools/make_streets.py', '--out', 'data', '--train', args.images, '--val', 4]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        call(streets, folder)
        mim = Path(mmseg.__file__).parent / '.mim/configs'
        (folder / 'config.py').write_text(CONFIG.format(mim=mim, iters=args.iters))
        for _ in range(args.rounds):
            for name, command in commands.items():
                shutil.rmtree(folder / 'work', ignore_errors=True)
                taken[name].append(call(command, folder))
    medians = {name: statistics.median(seconds) for name, seconds in taken.items()}
    print(f'{args.folds} folds of {args.iters} iterations, load {os.getloadavg()[0]:.1f}; medians of {args.rounds}')
    for name, seconds in medians.items():
        print(f'{name:26}{seconds:8.1f} s{seconds / medians["the script"]:8.2f} of the script')


if __name__ == '__main__':
    main()
