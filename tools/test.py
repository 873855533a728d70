"""Score a checkpoint, or the folds of a stage or run together.

`python tools/test.py configs/stage2.py work_dirs/cityscapes/stage2/winner.pth`
`python tools/test.py my_config.py work_dirs/my_config_kfold`  the folds' mean probabilities, on its test_dataloader
`python tools/test.py work_dirs/my_config_kfold --data IMAGES LABELS`  the same on any folders of images and labels
"""

import _bootstrap  # noqa: I001

import argparse

from mmengine.config import Config

from mmseg_custom.options import number, size
from mmseg_custom.evaluation import testing_options
from mmseg_custom.config import add_common_options, config_from_options
from mmseg_custom.evaluation.testing import run_test
from mmseg_custom.fold_settings import use_held_out_images
from mmseg_custom.errors import UserError
from mmseg_custom.ledger.run_folder import runs_of
from mmseg_custom.ledger.trained_config import find_record, options_with_trained


def add_scoring_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--original-size',
        nargs='?',
        const='bilinear',
        choices=['bilinear', 'nearest'],
        help='score at the size of the label files: bilinear (default) brings the logits to it, as mmseg; nearest '
        'the classes predicted at the working size, as the reference',
    )
    parser.add_argument('--tta', action='store_true', help='average over the scales and flips of tta_pipeline')
    parser.add_argument(
        '--tta-scales',
        nargs='+',
        type=number(float, above=0),
        metavar='S',
        help='these factors on the working size (implies --tta)',
    )
    parser.add_argument('--no-tta-flip', action='store_true', help='scales only (implies --tta)')
    parser.add_argument(
        '--slide', nargs=2, type=size, metavar=('CROP', 'STRIDE'), help='sliding window, HEIGHTxWIDTH or one number'
    )
    parser.add_argument('--data', nargs=2, metavar=('IMAGES', 'LABELS'), help='score on the images of these folders')
    parser.add_argument(
        '--split', help='another official split than val; without labels for --submission and --show-dir'
    )


def add_output_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--out', metavar='DIR', help='write confusion matrix, scores and a line an image')
    parser.add_argument(
        '--submission', metavar='DIR', help='write PNGs of raw ids at original size (implies --original-size)'
    )
    parser.add_argument('--show', action='store_true', help='show predictions in a window')
    parser.add_argument('--show-dir', help='write painted predictions into this folder')
    parser.add_argument('--wait-time', type=number(float, 0), default=2, help='seconds a shown prediction stays')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_common_options(parser, fold='score on the held-out images of this fold, not on the official val split')
    parser.add_argument('checkpoint', nargs='?', help='checkpoint file, or the folder of a stage or run')
    add_scoring_options(parser)
    add_output_options(parser)
    args = parser.parse_args()
    if sum(map(bool, (args.fold, args.split, args.data))) > 1:
        parser.error('--fold, --split and --data: one of them, each says which images')
    if args.checkpoint is None:
        args.config, args.checkpoint = None, args.config
    args.tta = args.tta or bool(args.tta_scales) or args.no_tta_flip
    args.original_size = args.original_size or ('bilinear' if args.submission else None)
    return args


def apply_options(cfg: Config, args: argparse.Namespace) -> None:
    if args.fold:
        use_held_out_images(cfg, args.fold)
    if args.split:
        testing_options.use_split(cfg, args.split)
    if args.data:
        testing_options.use_folders(cfg, *args.data)
    testing_options.require_images(cfg)
    if args.tta:
        testing_options.use_tta(cfg, args.tta_scales, flip=not args.no_tta_flip)
    if args.slide:
        testing_options.use_sliding_window(cfg, *args.slide)
    if args.original_size:
        testing_options.score_original_size(cfg, args.original_size)
    if args.submission:
        testing_options.write_submission(cfg, args.submission)
    if args.show or args.show_dir:
        testing_options.show_predictions(cfg, args.show, args.show_dir, args.wait_time)


def main() -> None:
    args = parse_args()
    files = runs_of(args.checkpoint)
    args.config = args.config or (find_record(args.checkpoint) or {}).get('config')
    if args.config is None:
        raise UserError(f'{args.checkpoint}: name its config before it.')
    args.cfg_options = options_with_trained(args.checkpoint, args.cfg_options)
    cfg = config_from_options(args)
    cfg.load_from = str(files[0]) if len(files) == 1 else None
    apply_options(cfg, args)
    chosen = ('original_size', 'tta', 'tta_scales', 'no_tta_flip', 'slide', 'split', 'data', 'fold', 'cfg_options')
    run_test(cfg, args.out, {name: getattr(args, name) for name in chosen}, files if len(files) > 1 else ())


if __name__ == '__main__':
    _bootstrap.run(main)
