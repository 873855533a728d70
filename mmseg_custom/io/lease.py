"""A lease on a folder: one process at a time, and a dead one does not block."""

import atexit
import fcntl
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from mmseg_custom.errors import StageError
from mmseg_custom.io.files import place_new, seconds_since_written, temporary_path, write_json
from mmseg_custom.io.processes import Identity, is_alive, this_process

RECIPE_LEASE = 'recipe.lease'
RUN_LEASE = 'run.lease'
# Fifteen beats may fail, as while a file server restarts, before a lease counts as dead;
# yet who takes over a lost node's run waits 5 minutes at most.
HEARTBEAT_SECONDS = 20.0
STALE_SECONDS = 300.0
# Without locks: longer than two processes that found the same dead lease need to write over it one after the other.
SETTLE_SECONDS = 1.0


class Lease:
    """A file that says which process has something to itself.

    Whoever creates the file has the lease. A dead process that could be seen from here is recognised by its number
    and start time, one on another host or in another container by a file that it has not touched for
    :data:`STALE_SECONDS`, by the clock of the file system. Checking and writing happen
    under a lock on the folder; where the file system has none, of several processes that take over a dead one's
    lease the last to write wins, and the others see that after :data:`SETTLE_SECONDS`.

    Args:
        path: The lease file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._own = {**this_process(), 'key': uuid4().hex}
        self._released = threading.Event()

    def acquire(self) -> bool:
        """Take the lease unless another living process has it; whether it was taken."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with _alone_in(self.path.parent):
            created = self._create()
            if not created:
                if not self._is_stale():
                    return False
                write_json(self._own, self.path)
        if not created:
            time.sleep(SETTLE_SECONDS)
            if self.holder() != self._own:
                return False
        threading.Thread(target=self._beat, daemon=True).start()
        return True

    def release(self) -> None:
        """Give the lease back; one that another process has taken over stays."""
        self._released.set()
        with _alone_in(self.path.parent):
            if self.holder() == self._own and self._own['pid'] == os.getpid():
                self.path.unlink(missing_ok=True)

    def remove_if_dead(self) -> None:
        """Remove a lease whose holder is dead."""
        if self.path.exists():
            with _alone_in(self.path.parent):
                if self._is_stale():
                    self.path.unlink(missing_ok=True)

    def is_held(self) -> bool:
        """Whether a process that may be alive has the lease."""
        return self.path.exists() and not self._is_stale()

    def holder(self) -> Identity | None:
        """The process that has the lease, ``None`` if there is none or its file is not readable."""
        try:
            holder = json.loads(self.path.read_text())
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None
        return holder if isinstance(holder, dict) and isinstance(holder.get('pid'), int) else None

    def is_own(self) -> bool:
        """Whether this process has the lease, perhaps by an object that was lost when training failed."""
        holder = self.holder() or {}
        return all(holder.get(key) == value for key, value in self._own.items() if key != 'key')

    def _create(self) -> bool:
        """Create the file, with its content: a process that is killed meanwhile leaves none that says nothing."""
        draft = temporary_path(self.path)
        try:
            draft.write_text(json.dumps(self._own))
            place_new(draft, self.path)
        except FileExistsError:
            return False
        finally:
            draft.unlink(missing_ok=True)
        return True

    def _is_stale(self) -> bool:
        holder = self.holder()
        alive = is_alive(holder) if holder else None
        if alive is not None:
            return not alive
        try:
            return seconds_since_written(self.path) > (STALE_SECONDS if holder else HEARTBEAT_SECONDS)
        except FileNotFoundError:
            return True

    def _beat(self) -> None:
        while not self._released.wait(HEARTBEAT_SECONDS):
            with suppress(OSError):
                if self.holder() != self._own:
                    return
                os.utime(self.path)


@contextmanager
def lease(path: Path) -> Iterator[bool]:
    """Hold a lease while the block runs.

    Args:
        path: The lease file.

    Yields:
        Whether the lease is held. ``False``: another living process has it.
    """
    own = Lease(path)
    held = own.acquire()
    try:
        yield held
    finally:
        if held:
            own.release()


@contextmanager
def sole_process(path: Path, what: str) -> Iterator[None]:
    """Hold a lease while the block runs, or refuse.

    Args:
        path: The lease file.
        what: What another process may be doing, for the message.

    Raises:
        StageError: If another process has the lease, naming it.
    """
    with lease(path) as held:
        if not held:
            raise StageError(_refusal(path, what))
        yield


def refuse_while_held(path: Path, what: str) -> None:
    """Refuse as :func:`sole_process` if a living process has a lease, without taking it.

    Raises:
        StageError: If one has it, naming it.
    """
    if Lease(path).is_held():
        raise StageError(_refusal(path, what))


def claim(path: Path, what: str) -> Lease:
    """Take a lease until it is released or the process ends, or refuse as :func:`sole_process`.

    A lease that this very process kept when its training failed is its own again.
    """
    own = Lease(path)
    if own.is_own():
        path.unlink(missing_ok=True)
    if not own.acquire():
        raise StageError(_refusal(path, what))
    atexit.register(own.release)
    return own


def _refusal(path: Path, what: str) -> str:
    holder = Lease(path).holder() or {}
    return (
        f'{what} by process {holder.get("pid", "?")} on {holder.get("host", "?")} (it holds {path}). Wait for it or '
        f'stop it. If it is dead, its lease ends by itself: at once on its own host, from another host or container '
        f'after {STALE_SECONDS / 60:.0f} minutes.'
    )


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder; a file system without locks, or a folder that is gone, has none to hold."""
    descriptor = None
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)
