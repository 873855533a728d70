"""Average checkpoints, or fuse a stage's folder, which that of a whole run is its last one of.

`python tools/average_folds.py A.pth B.pth --out OUT.pth` writes the parameter average of the files.
`python tools/average_folds.py work_dirs/my_config_kfold --out OUT.pth` writes that of the folds of a run, unscored.
`python tools/average_folds.py work_dirs/streets/stage2` builds and scores all candidates of a stage whose folds are
finished, and makes its winner; `--cfg-options default_hooks.fold_average.candidates=[all_folds,path,ensemble]` says
which.
"""

import _bootstrap  # noqa: I001

import argparse
from pathlib import Path

from mmengine.config import DictAction

from mmseg_custom.reports import recipe_table
from mmseg_custom.ledger.run_folder import runs_of, stage_of
from mmseg_custom.ledger.stage_ledger import StageLedger
from mmseg_custom.fusion.average_files import average_files, fuse_folder


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('inputs', nargs='+', type=Path, help='checkpoints, or the folder of a stage or run')
    parser.add_argument('--out', type=Path, help='where the average of checkpoints goes')
    parser.add_argument(
        '--config', help="config that scores a stage's candidates (default: the one it was trained with)"
    )
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, help='overrides of that config, key=value')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    if len(args.inputs) == 1 and args.inputs[0].is_dir() and args.out is None:
        folder = stage_of(args.inputs[0])
        outcome = fuse_folder(folder, args.config, args.cfg_options)
        print(recipe_table({outcome['stage']: StageLedger(folder)}))
    elif args.out is None:
        raise SystemExit('Say where the average goes: --out OUT.pth')
    else:
        files = [file for path in args.inputs for file in runs_of(path)]
        average_files(files, args.out)
        print(f'{args.out}: the average of {len(files)} checkpoints')


if __name__ == '__main__':
    _bootstrap.run(main)
