"""Who a process is, what memory it has taken, and whether it still lives."""

import hashlib
import os
import re
import resource
import socket
import sys
from multiprocessing import parent_process
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Thread
from typing import Any

import torch

Identity = dict[str, Any]
DEAD_STATES = (['Z'], ['X'])
PROCESS_NAME = r'(?P<pid>\d+)-(?P<started>\d+|None)@(?P<place>[0-9a-f]{16})'
BOOT_ID = Path('/proc/sys/kernel/random/boot_id')


def this_process() -> Identity:
    """Host, boot, process namespace, number and start time of this process; what a system does not tell is ``None``.

    The first three together say among which processes a number means something: names of hosts are given twice, the
    first namespace is called the same on every machine, and the containers of a machine share its boot.
    """
    return {**_place(), 'pid': os.getpid(), 'started': _started(os.getpid())}


def process_name(process: Identity) -> str:
    """A process as a part of a file's name; :func:`is_named_alive` reads it."""
    return f'{process["pid"]}-{process["started"]}@{_place_name(process)}'


def is_named_alive(name: re.Match[str]) -> bool | None:
    """As :func:`is_alive`, for a match of :data:`PROCESS_NAME`."""
    if name['place'] != _place_name(_place()):
        return None
    return _lives(int(name['pid']), None if name['started'] == 'None' else int(name['started']))


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
    own = _place()
    # An earlier version did not write down all of it.
    if any(process.get(key, value) != value for key, value in own.items()):
        return None
    return _lives(process['pid'], process.get('started'))


def _lives(pid: int, started: int | None) -> bool:
    """Whether the process that was given a number at that time lives; any process of that number if it is unknown."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    if _stat(pid)[:1] in DEAD_STATES:
        return False
    return started is None or _started(pid) in (None, started)


def end_with_parent() -> None:
    """From now on this process of :mod:`multiprocessing` ends when the one that started it is gone."""
    parent = parent_process()
    if parent:
        Thread(target=_wait_for, args=(parent,), daemon=True).start()


def _wait_for(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def _place() -> Identity:
    return {'host': socket.gethostname(), 'boot': _boot(), 'namespace': _namespace()}


def _place_name(process: Identity) -> str:
    place = ' '.join(str(process[key]) for key in ('host', 'boot', 'namespace'))
    return hashlib.sha256(place.encode()).hexdigest()[:16]


def _boot() -> str | None:
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return None


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
