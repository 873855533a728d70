"""The command `mmseg-kfold predict` in a checkout: `python tools/predict.py MODEL INPUT... --out DIR`."""

import _bootstrap  # noqa: I001

import argparse

from mmseg_kfold import predict


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=predict.DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    predict.add_options(parser)
    return parser.parse_args()


if __name__ == '__main__':
    _bootstrap.run(parse_args, predict.main)
