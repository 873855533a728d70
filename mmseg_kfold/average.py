"""`mmseg-kfold average` and `tools/average_folds.py`: one network of several, parameter by parameter."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from mmseg_kfold.options import add_overrides

HELP = 'average the folds of a run, or any checkpoints, into one file'
DESCRIPTION = """Average checkpoints, or fuse a stage's folder, which that of a whole run is its last one of.

`%(prog)s work_dirs/my_config_kfold --out OUT.pth`  writes the average of the folds of a run, unscored
`%(prog)s A.pth B.pth --out OUT.pth`  writes that of the files
`%(prog)s work_dirs/streets/stage2`  builds and scores all candidates of a stage whose folds are finished, and makes
its winner; `--cfg-options default_hooks.fold_average.candidates=[all_folds,path,ensemble]` says which.
"""


def add_options(parser: ArgumentParser) -> None:
    """Add what can be said to a parser."""
    parser.add_argument('inputs', nargs='+', type=Path, help='checkpoints, or the folder of a stage or run')
    parser.add_argument('--out', type=Path, help='where the average of checkpoints goes')
    parser.add_argument(
        '--config', help="config that scores a stage's candidates (default: the one it was trained with)"
    )
    add_overrides(parser, 'overrides of that config, key=value')


def main(args: Namespace) -> None:
    """Average, or fuse.

    Raises:
        UserError: If nothing says where the average goes, or it cannot be made.
    """
    from mmseg_custom.errors import UserError
    from mmseg_custom.fusion.average_files import average_files, fuse_folder
    from mmseg_custom.ledger.run_folder import runs_of, stage_of
    from mmseg_custom.ledger.stage_ledger import StageLedger
    from mmseg_custom.reports import recipe_table

    if len(args.inputs) == 1 and args.inputs[0].is_dir() and args.out is None:
        folder = stage_of(args.inputs[0])
        outcome = fuse_folder(folder, args.config, args.cfg_options)
        print(recipe_table({outcome['stage']: StageLedger(folder)}))
    elif args.out is None:
        raise UserError('Say where the average goes: --out OUT.pth')
    else:
        files = [file for path in args.inputs for file in runs_of(path)]
        average_files(files, args.out)
        print(f'{args.out}: the average of {len(files)} checkpoints')
