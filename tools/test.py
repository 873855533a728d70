"""Score a checkpoint: `python tools/test.py configs/stage2_fold1.py work_dirs/cityscapes/stage2/winner.pth`."""

import _bootstrap  # noqa: F401, I001

import argparse
import os

from mmengine.config import DictAction

from mmseg_custom.stages.launch import build_runner, load_run_config, score_original_size, show_predictions


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Score a checkpoint on the official val split.')
    parser.add_argument('config', help='config file the checkpoint was trained with')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--work-dir', help='where the logs go (default: work_dirs/<config name>)')
    parser.add_argument('--original-size', action='store_true', help='score at the size of the label files')
    parser.add_argument('--show', action='store_true', help='show predictions in a window')
    parser.add_argument('--show-dir', help='write painted predictions into this folder')
    parser.add_argument('--wait-time', type=float, default=2, help='seconds a shown prediction stays')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, help='overrides, key=value')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = load_run_config(args.config, args.work_dir, args.cfg_options)
    cfg.launcher, cfg.load_from = args.launcher, args.checkpoint
    if args.original_size:
        score_original_size(cfg)
    if args.show or args.show_dir:
        show_predictions(cfg, args.show, args.show_dir, args.wait_time)
    build_runner(cfg).test()


if __name__ == '__main__':
    main()
