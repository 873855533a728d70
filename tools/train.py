"""Train one run of a stage: `python tools/train.py configs/stage2.py --fold 1`."""

import _bootstrap  # noqa: I001

import argparse

from mmseg_kfold.options import add_common_options, add_fold


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Train a fold of a stage, or a stage without folds.')
    add_common_options(parser)
    add_fold(parser, 'which of the folds of a stage, 1 to num_folds of its config')
    parser.add_argument('--resume', action='store_true', help="go on from this run's own newest good checkpoint")
    parser.add_argument(
        '--force',
        action='store_true',
        help='archive a finished run and train it anew; with --resume only a changed one',
    )
    parser.add_argument('--amp', action='store_true', help='automatic mixed precision')
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    from torch.distributed.elastic.multiprocessing.errors import record

    record(train)(args)


def train(args: argparse.Namespace) -> None:
    from mmengine.dist import is_main_process

    from mmseg_custom.config import config_from_options, enable_amp
    from mmseg_custom.engine import Preempted
    from mmseg_custom.engine.distributed.process_group import num_restarts
    from mmseg_custom.engine.stage_runner import build_runner
    from mmseg_custom.fold_settings import check_one_fold

    cfg = config_from_options(args)
    check_one_fold(cfg)
    cfg.resume = args.resume or num_restarts() > 0
    cfg.force = args.force and not num_restarts()
    if args.amp:
        enable_amp(cfg)
    try:
        build_runner(cfg).train()
    except Preempted as stop:
        if is_main_process():
            print(f'Preempted, saved at {stop.saved}; go on with --resume.', flush=True)
        raise


if __name__ == '__main__':
    _bootstrap.run(parse_args, main)
