"""`mmseg-kfold export` and `tools/export.py`: a network as an ONNX file."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable

from mmseg_kfold.options import OVERRIDES, add_overrides

HELP = 'write the model of a run as an ONNX file'
DESCRIPTION = """Write a checkpoint as an ONNX file.

`%(prog)s work_dirs/my_config_kfold --out model.onnx`  the model trained on everything, else the winner of a run
`%(prog)s [CONFIG] CHECKPOINT --out model.onnx`  any checkpoint; CONFIG is known for those in the folders of runs

The graph takes float32 RGB images of 0 to 255 of any size and batch, and normalises them itself; classes, palette,
size and the rest are in the file's metadata.
"""


def add_options(parser: ArgumentParser) -> None:
    """Add what can be said to a parser."""
    parser.add_argument('config', nargs='?', help="config of the checkpoint; known for those in a recipe's folders")
    parser.add_argument('checkpoint', help='checkpoint file; of the folder of a stage or run its winner')
    parser.add_argument('--out', required=True, help='the ONNX file')
    parser.add_argument(
        '--output', choices=('logits', 'ids'), default='logits', help='what the graph gives (default: logits)'
    )
    parser.add_argument(
        '--int8',
        action='store_true',
        help="quantize, calibrated on the config's training images; written where at most 0.5 mIoU is lost and it is "
        'faster on this machine',
    )
    parser.add_argument('--force', action='store_true', help='with --int8: write it where it loses more or is slower')
    add_overrides(parser, OVERRIDES)


def check(args: Namespace, error: Callable[[str], None]) -> None:
    """See that options go together; what is wrong goes to the parser's ``error``."""
    if args.force and not args.int8:
        error('--force goes with --int8: a float graph is written where it computes what PyTorch does.')


def main(args: Namespace) -> None:
    """Export, compare with PyTorch, and say what came of it.

    Raises:
        UserError: If the network cannot be exported, or is not worth it in int8.
    """
    from mmseg_custom.inference.model_source import prepared_config
    from mmseg_custom.inference.networks import build_segmentor
    from mmseg_custom.inference.onnx_export import export_onnx
    from mmseg_custom.inference.onnx_int8 import export_int8, require_int8
    from mmseg_custom.ledger.run_folder import one_model_of

    args.checkpoint = one_model_of(args.checkpoint)
    cfg = prepared_config(args.checkpoint, args.config, args.cfg_options)
    int8 = None
    if args.int8:
        data = require_int8(cfg)
        model = build_segmentor(cfg, args.checkpoint)
        info, checks, int8 = export_int8(cfg, model, args.out, data, args.output, args.force)
    else:
        info, checks = export_onnx(cfg, build_segmentor(cfg, args.checkpoint), args.out, args.output)
    for check in checks:
        logits = '' if check.difference is None else f'largest logit difference {check.difference:.1e}, '
        print(f'{check.size[1]} x {check.size[0]}: {logits}{check.equal:.4%} of the pixels have the same class')
    if int8:
        print(f'int8: {int8}')
    print(f'{args.out}: {info.input} -> {info.output}, {len(info.classes)} classes, resize {info.resize.scale}')
