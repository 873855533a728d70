"""What slurm_stage.sh submits: `python tools/_stages.py PLAN STAGE... [-- options of train.py]`.

Prints a line a stage: its number, its number of folds (0 without) and its config.
"""

import _bootstrap  # noqa: I001

import argparse
import sys

from mmseg_kfold.options import add_overrides, number


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('plan', help='the file of a plan, or a folder of its stages')
    parser.add_argument('stages', nargs='+', type=number(low=1), help='numbers of stages')
    add_overrides(parser, 'overrides for every config')
    # `--` stands before the options of train.py, of which only the overrides matter here.
    return parser.parse_known_args([word for word in sys.argv[1:] if word != '--'])[0]


def main(args: argparse.Namespace) -> None:
    from mmseg_custom.plan.plan import Plan

    plan = Plan(args.plan, args.cfg_options)
    for stage in (plan.stage(one) for one in args.stages):
        folds = len(stage.runs) if stage.runs[0].fold is not None else 0
        print(stage.number, folds, stage.runs[0].config)


if __name__ == '__main__':
    _bootstrap.run(parse_args, main)
