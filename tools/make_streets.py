"""Writes the built-in data set: synthetic street scenes in the layout of Cityscapes."""

import _bootstrap  # noqa: I001

import argparse
import sys

from mmseg_kfold.options import number


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--out', default='data/streets', help='folder to create (default: %(default)s)')
    parser.add_argument('--train', type=number(low=1), default=80, help='train images (default: %(default)s)')
    parser.add_argument('--val', type=number(low=1), default=20, help='val images (default: %(default)s)')
    parser.add_argument('--height', type=number(low=16), default=128, help='rows of an image (default: %(default)s)')
    parser.add_argument(
        '--width', type=number(low=16), default=256, help='columns of an image (default: %(default)s)'
    )
    parser.add_argument(
        '--seed',
        type=number(low=0, high=2**32 - 1),
        default=0,
        help='another seed, another data set (default: %(default)s)',
    )
    parser.add_argument(
        '--label-errors',
        type=number(low=0, high=1, kind=float),
        default=0.0,
        metavar='SHARE',
        help='put errors into this part of the train labels; label_errors.json names them (default: none)',
    )
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    from street_scenes import write_dataset

    settings = vars(args)
    out = settings.pop('out')
    written = write_dataset(out, **settings)
    sys.stdout.write(f'{out}: {"written" if written else "already there, nothing to do"}\n')


if __name__ == '__main__':
    _bootstrap.run(parse_args, main)
