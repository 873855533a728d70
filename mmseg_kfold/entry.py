"""How every command runs: its words are read, then packages are imported, then it works."""

import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from mmseg_kfold.fork_server import start_fork_server


def run_command(
    parse_args: Callable[[], Namespace], main: Callable[[Namespace], None], name: str | None = None
) -> None:
    """Run a command; a missing package and errors that a user can mend end in one line.

    Args:
        parse_args: Reads the words of the command line; it imports nothing heavy. ``trains`` of what it returns: the
            command is going to need the fork server.
        main: What the command does with them.
        name: Of the command, to stand before its errors. Defaults to ``None``: they stand alone.
    """
    try:
        args = parse_args()
        if getattr(args, 'trains', False):
            start_fork_server()
        from mmseg_custom.engine.distributed.process_group import leave_process_group
        from mmseg_custom.errors import UserError
    except ImportError as error:
        raise SystemExit(f'{name or Path(sys.argv[0]).name}: {error}') from None
    try:
        main(args)
        leave_process_group()
    except (UserError, OSError) as error:
        # A worker of a data loader wraps the message into its traceback.
        message = str(error).rpartition(f'{type(error).__name__}: ')[2].strip()
        print(f'{name}: {message}' if name else message, file=sys.stderr, flush=True)
        raise SystemExit(getattr(error, 'exit_code', 1)) from None
    except KeyboardInterrupt:
        raise SystemExit(
            '\nStopped; what is finished is kept. The same command goes on from here (train.py: with --resume).'
        ) from None
