"""Write a checkpoint as an ONNX file: `python tools/export.py CONFIG CHECKPOINT --out model.onnx`.

The graph takes float32 RGB images of 0 to 255 of any size and batch, and normalises them itself; classes, palette,
size and the rest are in the file's metadata.
"""

import _bootstrap  # noqa: I001

import argparse

from mmengine.config import DictAction

from mmseg_custom.inference.model_source import OVERRIDES, prepared_config
from mmseg_custom.inference.networks import build_segmentor
from mmseg_custom.inference.onnx_export import export_onnx
from mmseg_custom.inference.onnx_info import OUTPUTS
from mmseg_custom.inference.onnx_int8 import export_int8, require_int8
from mmseg_custom.ledger.run_folder import one_model_of


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', nargs='?', help="config of the checkpoint; known for those in a recipe's folders")
    parser.add_argument('checkpoint', help='checkpoint file; of the folder of a stage or run its winner')
    parser.add_argument('--out', required=True, help='the ONNX file')
    parser.add_argument('--output', choices=OUTPUTS, default='logits', help='what the graph gives (default: logits)')
    parser.add_argument(
        '--int8',
        action='store_true',
        help="quantize, calibrated on the config's training images; written where at most 0.5 mIoU is lost and it is "
        'faster on this machine',
    )
    parser.add_argument('--force', action='store_true', help='with --int8: write it where it loses more or is slower')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, help=OVERRIDES)
    args = parser.parse_args()
    if args.force and not args.int8:
        parser.error('--force goes with --int8: a float graph is written where it computes what PyTorch does.')
    return args


def main() -> None:
    args = parse_args()
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


if __name__ == '__main__':
    _bootstrap.run(main)
