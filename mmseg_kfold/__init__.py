"""The command `mmseg-kfold`: K folds of any config of MMSegmentation, and what is done with them afterwards.

The words of every command are read before anything heavy is imported, so that help and mistyped options answer at
once; :mod:`mmseg_custom` does the work.
"""

import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from functools import partial
from pathlib import Path

from mmseg_kfold import average, export, folds, predict, score
from mmseg_kfold.entry import run_command

OF_A_RUN = {'predict': predict, 'test': score, 'export': export, 'average': average}

__all__ = ['main', 'parse_args']


def main(argv: list[str] | None = None) -> None:
    """Run a command; errors that a user can mend end in their message alone."""
    sys.path.insert(0, str(Path.cwd()))  # Modules of a project, named by custom_imports, lie where the user stands.
    run_command(partial(parse_args, argv), lambda args: args.main(args), 'mmseg-kfold')


def parse_args(argv: list[str] | None = None) -> Namespace:
    """The arguments of a command; ``main`` of them is what it does."""
    parser = ArgumentParser(
        prog='mmseg-kfold', description='K folds of any config of MMSegmentation: one honest score, K models.'
    )
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    folds.add_commands(commands)
    for name, module in OF_A_RUN.items():
        command = commands.add_parser(
            name,
            allow_abbrev=False,
            help=module.HELP,
            description=module.DESCRIPTION,
            formatter_class=RawDescriptionHelpFormatter,
        )
        module.add_options(command)
        command.set_defaults(main=module.main)
    args = parser.parse_args(argv)
    if args.command == 'export':
        export.check(args, parser.error)
    args.words = list(sys.argv[1:] if argv is None else argv)
    return args
