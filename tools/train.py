"""Train one run of a stage: `python tools/train.py configs/stage2_fold1.py`."""

import _bootstrap  # noqa: F401, I001

import argparse
import os

from mmengine.config import DictAction

from mmseg_custom.stages.launch import build_runner, enable_amp, load_run_config


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Train a fold of a stage, or a stage without folds.')
    parser.add_argument('config', help='config file, e.g. configs/stage2_fold1.py')
    parser.add_argument('--work-dir', help='where logs and checkpoints go (default: work_dirs/<config name>)')
    parser.add_argument('--resume', action='store_true', help="go on from this run's own newest good checkpoint")
    parser.add_argument('--amp', action='store_true', help='automatic mixed precision')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, help='overrides, key=value')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = load_run_config(args.config, args.work_dir, args.cfg_options)
    cfg.launcher, cfg.resume = args.launcher, args.resume
    if args.amp:
        enable_amp(cfg)
    build_runner(cfg).train()


if __name__ == '__main__':
    main()
