"""The fork server behind the processes that train, started before the command itself imports anything.

It takes as long to import PyTorch, MMSegmentation and this project as the command does: so both do it at once.
"""

import multiprocessing
import os
import signal
import threading
from multiprocessing import forkserver
from pathlib import Path

PRELOAD = ['mmseg_custom.launchers.fork_server']
ROOT = Path(__file__).resolve().parent.parent
# Ctrl-C, and `STOP_SIGNALS` of mmseg_custom.engine.stop_signals, which costs the imports.
ASK_TO_STOP = tuple(signal.Signals[name] for name in ('SIGINT', 'SIGTERM', 'SIGUSR1'))


def start_fork_server() -> None:
    """Start the fork server, if there is none, deaf to the signals that ask to stop.

    It asks not to hear them itself, but only behind the imports: seconds in which Ctrl-C would end it, and all with a
    traceback. Only the main thread can spare it that.
    """
    multiprocessing.get_context('forkserver').set_forkserver_preload(PRELOAD)
    _let_jobs_import_this_checkout()
    in_main_thread = threading.current_thread() is threading.main_thread()
    numbers = ASK_TO_STOP if in_main_thread else ()
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        forkserver.ensure_running()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _let_jobs_import_this_checkout() -> None:
    """Let the fork server import from the checkout that runs, not from another one that is installed.

    It knows nothing of what a tool has put into ``sys.path`` (before Python 3.14).
    """
    paths = [path for path in os.environ.get('PYTHONPATH', '').split(os.pathsep) if path]
    if (ROOT / 'setup.py').is_file() and str(ROOT) not in paths:
        os.environ['PYTHONPATH'] = os.pathsep.join([str(ROOT), *paths])
