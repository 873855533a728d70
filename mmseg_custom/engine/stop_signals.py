"""The signals by which a cluster asks a run to stop, and who heeds them."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from torch.utils.data import DataLoader

STOP_SIGNALS = tuple(signal.Signals[name] for name in ('SIGTERM', 'SIGUSR1') if name in signal.Signals.__members__)
EXIT_CODE = 75  # EX_TEMPFAIL of sysexits.h: try again.


class Preempted(SystemExit):
    """The end of a run that was asked to stop, with exit code 75: started again, it goes on from ``saved``.

    Args:
        saved: The resume point, or the folder of the run if all its epochs are over.
    """

    def __init__(self, saved: str) -> None:
        super().__init__(EXIT_CODE)
        self.saved = saved


@contextmanager
def handlers_kept() -> Iterator[None]:
    """Whatever the block does to the handlers of the stop signals, they are as before when it ends."""
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items() if in_main_thread() else ():
            signal.signal(number, handler)


def in_main_thread() -> bool:
    """Whether this is the thread that may set handlers."""
    return threading.current_thread() is threading.main_thread()


def shield_workers(loader: DataLoader) -> None:
    """Let the workers of a data loader ignore the stop signals, which a cluster sends to all processes at once.

    ``SIGTERM`` of their own parent still ends them: that is how they are stopped.
    """
    loader.worker_init_fn = partial(_start_worker, first=loader.worker_init_fn)


def _start_worker(worker_id: int, first: Callable[[int], None] | None) -> None:
    for number in set(STOP_SIGNALS) - {signal.SIGTERM}:
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, 'sigwaitinfo'):  # Not on macOS: there a worker dies of anybody's SIGTERM, as before.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    if first is not None:
        first(worker_id)


def _end_with_parent(parent: int) -> None:
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent:
        pass
    os._exit(0)
