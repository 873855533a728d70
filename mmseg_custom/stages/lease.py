"""A lease on a folder: one process at a time, and a dead one does not block."""

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HEARTBEAT_SECONDS = 20.0
STALE_SECONDS = 300.0


@contextmanager
def lease(path: Path) -> Iterator[bool]:
    """Hold an exclusive lease while the block runs.

    Args:
        path: The lease file; it names the holder's host and process and is touched while the holder lives.

    Yields:
        Whether the lease is held. ``False``: another living process has it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not (_create(path) or (_is_stale(path) and _take_over(path))):
        yield False
        return
    done = threading.Event()
    threading.Thread(target=_beat, args=(path, done), daemon=True).start()
    try:
        yield True
    finally:
        done.set()
        path.unlink(missing_ok=True)


def _create(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, 'w') as file:
        json.dump({'host': socket.gethostname(), 'pid': os.getpid()}, file)
    return True


def _is_stale(path: Path) -> bool:
    try:
        age, holder = time.time() - path.stat().st_mtime, json.loads(path.read_text())
    except FileNotFoundError:
        return True
    except json.JSONDecodeError:
        return time.time() - path.stat().st_mtime > HEARTBEAT_SECONDS
    if holder.get('host') == socket.gethostname():
        return not _is_alive(holder.get('pid', 0))
    return age > STALE_SECONDS


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _take_over(path: Path) -> bool:
    """Of several that find the lease stale, one moves it away; a lease that is new by then is put back."""
    grave = path.with_name(f'{path.name}.{os.getpid()}.stale')
    try:
        path.rename(grave)
    except FileNotFoundError:
        return _create(path)
    if not _is_stale(grave):
        grave.rename(path)
        return False
    grave.unlink()
    return _create(path)


def _beat(path: Path, done: threading.Event) -> None:
    while not done.wait(HEARTBEAT_SECONDS):
        try:
            os.utime(path)
        except FileNotFoundError:
            return
