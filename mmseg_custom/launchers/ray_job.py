"""A job on a node of a Ray cluster: what runs there, and what has to be true of the node."""

import os
import socket
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from mmseg_custom.engine.stop_signals import EXIT_CODE
from mmseg_custom.io.files import temporary_path
from mmseg_custom.io.lease import STALE_SECONDS, Lease
from mmseg_custom.launchers.local_pool import LocalPool
from mmseg_custom.launchers.pool import Ended, Job
from mmseg_custom.launchers.worker import Progress

# How long a network file system may take to show a new file on another node.
SIGHT_SECONDS = 60.0
# A lost process's lease ends by itself after STALE_SECONDS; a fifth more for clocks and caches of the file system.
LEASE_SECONDS = 1.2 * STALE_SECONDS


@dataclass(frozen=True)
class SharedPlace:
    """The folder in which the driver works and a file in it that only a node with the same file system can read.

    Attributes:
        folder: The driver's working folder; relative paths of configs start there.
        proof: The file.
        content: What is in it.
    """

    folder: Path
    proof: Path
    content: str

    def enter(self, seconds: float = SIGHT_SECONDS) -> str | None:
        """Work in the folder from now on; what is wrong if that cannot be done.

        Args:
            seconds: How long to wait for the file to show.
        """
        end = time.monotonic() + seconds
        while not (seen := self._is_seen()) and time.monotonic() < end:
            time.sleep(0.5)
        if seen:
            os.chdir(self.folder)
            return None
        return (
            f'node {socket.gethostname()} does not see {self.proof.parent} of the driver. The runs of a stage meet '
            'in files: put data and work_dirs on a file system that all nodes mount at the same path, and start the '
            'same command again.'
        )

    def _is_seen(self) -> bool:
        try:
            return self.folder.is_dir() and self.proof.read_text() == self.content
        except OSError:
            return False


@contextmanager
def shared_place(folder: Path) -> Iterator[SharedPlace]:
    """Have a :class:`SharedPlace` with its file in ``folder`` while the block runs.

    The file is named like those of :func:`~mmseg_custom.io.files.atomic_path`, whose leftovers are cleared away.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content = uuid4().hex
    proof = temporary_path(folder.absolute() / content)
    proof.write_text(content)
    try:
        yield SharedPlace(Path.cwd(), proof, content)
    finally:
        proof.unlink(missing_ok=True)


class NodeJob:
    """Runs one job in a clean process of its node; an actor of Ray, its methods are called side by side.

    Ray starts a process for it that sees the GPU of the job alone; what the pool starts inherits that.
    """

    def __init__(self) -> None:
        self.pool = LocalPool(1)
        self._news: deque[Progress] = deque()

    def run(self, job: Job, place: SharedPlace) -> Ended:
        """Run the job to its end, as soon as no lost process of it can still be writing."""
        problem = place.enter()
        if problem:
            return Ended(job.name, 1, f'{job.name}: {problem}')
        if job.lease:
            self._await_end_of(job.lease)
        return next(iter(self.pool.execute([job], self._news.append)), Ended(job.name, EXIT_CODE))

    def news(self) -> tuple[str, list[Progress]]:
        """The node's name, and what the job has told since the last call."""
        return socket.gethostname(), [self._news.popleft() for _ in range(len(self._news))]

    def stop(self) -> None:
        """Ask the job to save and end."""
        self.pool.stop()

    def _await_end_of(self, lease: Path) -> None:
        """Wait until a lost process is known to be dead, on another host by a lease that nobody renews."""
        end = time.monotonic() + LEASE_SECONDS
        while lease.exists() and self.pool.deadline is None and time.monotonic() < end:
            Lease(lease).remove_if_dead()
            time.sleep(0.5)
