"""`mmseg-kfold test` and `tools/test.py`: a checkpoint, or the folds of a run together, scored on labelled images."""

from argparse import ArgumentParser, Namespace
from typing import Any

from mmseg_kfold.options import add_common_options, add_fold, number, size

HELP = 'score the folds of a run together on labelled images'
DESCRIPTION = """Score a checkpoint, or the folds of a stage or run together.

`%(prog)s work_dirs/my_config_kfold --data IMAGES LABELS`  the folds' mean probabilities, on two folders
`%(prog)s my_config.py work_dirs/my_config_kfold`  the same on the test_dataloader of a config
`%(prog)s configs/stage2.py work_dirs/cityscapes/stage2/winner.pth`  one checkpoint
"""
CHOSEN = ('original_size', 'tta', 'tta_scales', 'no_tta_flip', 'slide', 'split', 'data', 'fold', 'cfg_options')


def add_options(parser: ArgumentParser) -> None:
    """Add what can be said to a parser."""
    add_common_options(parser)
    parser.add_argument('checkpoint', nargs='?', help='checkpoint file, or the folder of a stage or run')
    images = parser.add_mutually_exclusive_group()
    add_fold(images, 'score on the held-out images of this fold, not on the official val split')
    images.add_argument('--data', nargs=2, metavar=('IMAGES', 'LABELS'), help='score on the images of these folders')
    images.add_argument(
        '--split', help='another official split than val; without labels for --submission and --show-dir'
    )
    _add_scoring(parser)
    _add_output(parser)


def main(args: Namespace) -> None:
    """Score, and write what was asked for.

    Raises:
        UserError: If the config is not known, or what is asked for does not fit it.
    """
    from mmseg_custom.config import config_from_options
    from mmseg_custom.errors import UserError
    from mmseg_custom.evaluation.testing import run_test
    from mmseg_custom.ledger.run_folder import runs_of
    from mmseg_custom.ledger.trained_config import find_record, options_with_trained

    if args.checkpoint is None:
        args.config, args.checkpoint = None, args.config
    args.tta = args.tta or bool(args.tta_scales) or args.no_tta_flip
    args.original_size = args.original_size or ('bilinear' if args.submission else None)
    files = runs_of(args.checkpoint)
    args.config = args.config or (find_record(args.checkpoint) or {}).get('config')
    if args.config is None:
        raise UserError(f'{args.checkpoint}: name its config before it.')
    args.cfg_options = options_with_trained(args.checkpoint, args.cfg_options)
    cfg = config_from_options(args)
    cfg.load_from = str(files[0]) if len(files) == 1 else None
    _apply_options(cfg, args)
    run_test(cfg, args.out, {name: getattr(args, name) for name in CHOSEN}, files if len(files) > 1 else ())


def _add_scoring(parser: ArgumentParser) -> None:
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


def _add_output(parser: ArgumentParser) -> None:
    parser.add_argument('--out', metavar='DIR', help='write confusion matrix, scores and a line an image')
    parser.add_argument(
        '--submission', metavar='DIR', help='write PNGs of raw ids at original size (implies --original-size)'
    )
    parser.add_argument('--show', action='store_true', help='show predictions in a window')
    parser.add_argument('--show-dir', help='write painted predictions into this folder')
    parser.add_argument('--wait-time', type=number(float, 0), default=2, help='seconds a shown prediction stays')


def _apply_options(cfg: Any, args: Namespace) -> None:
    from mmseg_custom.evaluation import testing_options
    from mmseg_custom.fold_settings import use_held_out_images

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
