"""Write the report of a recipe: `python tools/report.py work_dirs/streets`."""

import _bootstrap  # noqa: I001

import argparse
from pathlib import Path

from mmseg_kfold.options import add_overrides


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Write report.html and figures/ into the folder of a recipe.')
    parser.add_argument('folder', type=Path, help='work_dirs/<recipe>; it may be half done')
    add_overrides(parser, 'overrides besides those of the training')
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    from mmseg_custom.reports import write_report

    print(f'report: {write_report(args.folder, args.cfg_options)}')


if __name__ == '__main__':
    _bootstrap.run(parse_args, main)
