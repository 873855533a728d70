"""Score a checkpoint: `python tools/test.py configs/stage2_fold1.py work_dirs/cityscapes/stage2/winner.pth`."""

import _bootstrap  # noqa: I001

import argparse

from mmseg_custom.stages.launch import (
    add_host_options,
    build_runner,
    config_from_options,
    score_original_size,
    show_predictions,
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Score a checkpoint on the official val split.')
    add_host_options(parser)
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--original-size', action='store_true', help='score at the size of the label files')
    parser.add_argument('--show', action='store_true', help='show predictions in a window')
    parser.add_argument('--show-dir', help='write painted predictions into this folder')
    parser.add_argument('--wait-time', type=float, default=2, help='seconds a shown prediction stays')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    cfg = config_from_options(args)
    cfg.load_from = args.checkpoint
    if args.original_size:
        score_original_size(cfg)
    if args.show or args.show_dir:
        show_predictions(cfg, args.show, args.show_dir, args.wait_time)
    build_runner(cfg).test()


if __name__ == '__main__':
    _bootstrap.run(main)
