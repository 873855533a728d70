"""Who a process is, what memory it has taken, and whether it still lives."""

import os
import resource
import socket
import sys
from multiprocessing import parent_process
from pathlib import Path
from threading import Thread
from typing import Any

import torch

Identity = dict[str, Any]
DEAD_STATES = (['Z'], ['X'])


def this_process() -> Identity:
    """Host, process namespace, number and start time of this process; what a system does not tell is ``None``."""
    return {
        'host': socket.gethostname(),
        'namespace': _namespace(),
        'pid': os.getpid(),
        'started': _started(os.getpid()),
    }


def peak_memory() -> int:
    """The most memory that this process has held so far, in bytes: on its GPU if it uses one, else resident."""
    if torch.cuda.is_available() and torch.cuda.max_memory_allocated():
        return torch.cuda.max_memory_allocated()
    status = Path('/proc/self/status')
    lines = status.read_text().splitlines() if status.is_file() else []
    for line in lines:
        if line.startswith('VmHWM:'):
            return int(line.split()[1]) * 1024
    # Of a process that another has started, this is the most that either has held.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == 'darwin' else 1024)


def is_alive(process: Identity) -> bool | None:
    """Whether a process lives; ``None`` where this one cannot see it, as on another host or in another container.

    A number that another process has since been given counts as dead, as does a process that has ended and was not
    waited for.
    """
    own_view = socket.gethostname(), _namespace()
    if (process.get('host'), process.get('namespace', own_view[1])) != own_view:
        return None
    pid = process['pid']
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    if _stat(pid)[:1] in DEAD_STATES:
        return False
    return process.get('started') is None or _started(pid) in (None, process['started'])


def end_with_parent() -> None:
    """From now on this process of :mod:`multiprocessing` ends when the one that started it is gone."""
    if parent_process():
        Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent_process().join()
    os._exit(1)


def _namespace() -> str | None:
    try:
        return str(Path('/proc/self/ns/pid').readlink())
    except OSError:
        return None


def _started(pid: int) -> int | None:
    """Field 22 of ``/proc/<pid>/stat``: clock ticks from the start of the system to that of the process."""
    fields = _stat(pid)
    return int(fields[19]) if len(fields) > 19 else None


def _stat(pid: int) -> list[str]:
    """The fields from the third on, the state of the process; the second is its name, which may hold anything."""
    try:
        return Path(f'/proc/{pid}/stat').read_text(errors='replace').rpartition(')')[2].split()
    except OSError:
        return []
