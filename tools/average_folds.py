"""The command `mmseg-kfold average` in a checkout: `python tools/average_folds.py A.pth B.pth --out OUT.pth`."""

import _bootstrap  # noqa: I001

import argparse

from mmseg_kfold import average


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=average.DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    average.add_options(parser)
    return parser.parse_args()


if __name__ == '__main__':
    _bootstrap.run(parse_args, average.main)
