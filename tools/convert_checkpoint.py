"""Convert weights between the published DeepLabV3+ and this project; the direction is found by the keys."""

import _bootstrap  # noqa: I001

import argparse
from pathlib import Path


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('input', type=Path, help='checkpoint to read')
    parser.add_argument('output', type=Path, help='checkpoint to write')
    args = parser.parse_args()
    if args.output.exists() and args.output.samefile(args.input):
        parser.error(f'{args.output} is the input: name another file to write.')
    return args


def main(args: argparse.Namespace) -> None:
    from mmseg_custom.fusion.average_files import check_output
    from mmseg_custom.io.checkpoints.checkpoint_file import load_weights, save_checkpoint_file
    from mmseg_custom.models.published import convert_checkpoint

    check_output(args.output)
    save_checkpoint_file(convert_checkpoint(load_weights(args.input)), args.output)


if __name__ == '__main__':
    _bootstrap.run(parse_args, main)
