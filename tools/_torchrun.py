"""PyTorch's launcher, but for a stop: `python tools/_torchrun.py [options of torchrun] SCRIPT ...`.

SIGTERM and SIGUSR1 are passed on to the processes it has started, which then save; when they have ended with 75, so
does this one. By itself the launcher dies of SIGUSR1, kills its processes 30 s after SIGTERM, and ends with 1.
"""

import os
import signal
from contextlib import suppress
from pathlib import Path
from types import FrameType

from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.run import main

# The default of an option of torchrun; versions without that option handle SIGTERM in their own way.
os.environ.setdefault('PET_SIGNALS_TO_HANDLE', 'SIGINT,SIGHUP,SIGQUIT')
# The launcher ends what has not ended by itself when the first process has.
TOO_LATE = {-signal.SIGTERM}


def pass_on(number: int, frame: FrameType | None) -> None:
    """Send a signal to the children of this process."""
    for children in Path('/proc/self/task').glob('*/children'):
        for child in children.read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(child), number)


def launch() -> None:
    """Run the launcher with the options of the command line."""
    for number in (signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, pass_on)
    try:
        main()
    except ChildFailedError as error:
        codes = {failure.exitcode for failure in error.failures.values()}
        if codes - TOO_LATE != {os.EX_TEMPFAIL}:
            raise
        raise SystemExit(os.EX_TEMPFAIL) from None


if __name__ == '__main__':
    launch()
