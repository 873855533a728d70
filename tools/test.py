"""The command `mmseg-kfold test` in a checkout: `python tools/test.py CONFIG CHECKPOINT`."""

import _bootstrap  # noqa: I001

import argparse

from mmseg_kfold import score


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=score.DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    score.add_options(parser)
    return parser.parse_args()


if __name__ == '__main__':
    _bootstrap.run(parse_args, score.main)
