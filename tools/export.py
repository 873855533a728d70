"""The command `mmseg-kfold export` in a checkout: `python tools/export.py CHECKPOINT --out model.onnx`."""

import _bootstrap  # noqa: I001

import argparse

from mmseg_kfold import export


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=export.DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    export.add_options(parser)
    args = parser.parse_args()
    export.check(args, parser.error)
    return args


if __name__ == '__main__':
    _bootstrap.run(parse_args, export.main)
