"""Imported first by every tool: finds the checkout, and says in one line what a user has to change."""

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.append(str(Path.cwd()))  # Modules of a project, named by custom_imports, lie where the user stands.

try:
    from mmseg_custom.engine.distributed.process_group import leave_process_group
    from mmseg_custom.errors import UserError
except ImportError as error:
    raise SystemExit(f'{Path(sys.argv[0]).name}: {error}') from None


def run(main: Callable[[], None]) -> None:
    """Run a tool; errors that a user can mend end in their message alone."""
    try:
        main()
        leave_process_group()
    except (UserError, OSError) as error:
        # A worker of a data loader wraps the message into its traceback.
        print(str(error).rpartition(f'{type(error).__name__}: ')[2].strip(), file=sys.stderr, flush=True)
        raise SystemExit(getattr(error, 'exit_code', 1)) from None
    except KeyboardInterrupt:
        raise SystemExit(
            '\nStopped; what is finished is kept. Start again (train.py with --resume) to go on from here.'
        ) from None
