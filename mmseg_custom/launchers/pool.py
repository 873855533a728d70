"""What runs the jobs of a stage, whatever machines are behind it."""

import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mmseg_custom.engine.stop_signals import EXIT_CODE, STOP_SIGNALS
from mmseg_custom.errors import UserError
from mmseg_custom.launchers.worker import Progress
from mmseg_custom.messages import Report
from mmseg_custom.options import OptionError

# Jobs that end wake the pool at once; this is how late a stop or a line of progress may be noticed.
POLL_SECONDS = 0.5
# A run looks for the signal every few steps, then saves: seconds, but minutes for large images on a CPU.
GRACE_SECONDS = 120.0


@dataclass(frozen=True)
class Job:
    """A call in a process of its own.

    Attributes:
        name: How messages call it.
        target: A function of a module; called with ``args`` and, if it trains, the connection for progress and the
            environment of its slot, see :func:`~mmseg_custom.launchers.worker.take_slot`.
        args: Its own arguments.
        log: The file that takes what it prints.
        trains: Whether it is a training run.
        lease: The file that it holds while it works, see :class:`~mmseg_custom.io.lease.Lease`.
    """

    name: str
    target: Callable[..., None]
    args: tuple
    log: Path
    trains: bool = True
    lease: Path | None = None


@dataclass(frozen=True)
class Ended:
    """A job that has ended.

    Attributes:
        name: Of the job.
        code: Exit code of its process, minus the number of the signal that killed it.
        reason: What to tell of a failure.
    """

    name: str
    code: int
    reason: str = ''


class JobError(RuntimeError):
    """A job that failed; the message holds the end of its log."""


class RecipeStopped(UserError):
    """Runs that were told to stop; what they have saved lets them go on."""

    exit_code = EXIT_CODE


class Pool(ABC):
    """Runs jobs, side by side where there are free slots; a subclass says where.

    Args:
        jobs: How many run side by side at most.
        grace: Seconds that running jobs have to save and end once :meth:`stop` was called.
    """

    def __init__(self, jobs: int, grace: float = GRACE_SECONDS) -> None:
        if jobs < 1:
            raise OptionError(f'{jobs} jobs side by side: use 1 or more.')
        self.jobs, self.grace = jobs, grace
        self.deadline: float | None = None
        self.report: Report = lambda line: None

    def stop(self) -> None:
        """Start nothing more and ask what runs to save and end; a second call ends it at once."""
        self.deadline = time.monotonic() + (self.grace if self.deadline is None else 0)

    @contextmanager
    def stopped_by_signals(self, report: Report) -> Iterator[None]:
        """Within this context Ctrl-C and the signals of a cluster call :meth:`stop`.

        Args:
            report: Takes a line that says so.
        """
        self.report = report
        before = {number: signal.signal(number, lambda *_: self.stop()) for number in (signal.SIGINT, *STOP_SIGNALS)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def run(self, jobs: list[Job], on_progress: Callable[[Progress], None]) -> dict[str, JobError]:
        """Run all jobs; a failed one does not stop the others.

        Args:
            jobs: What to run, in order of start.
            on_progress: Called for each validated epoch.

        Returns:
            The failed jobs, by name.

        Raises:
            RecipeStopped: If jobs were told to stop before their end, here by :meth:`stop` or from elsewhere.
        """
        ended = {end.name: end for end in self.execute(jobs, on_progress)}
        told = self.deadline is not None
        stopped = [end.name for end in ended.values() if end.code and (told or end.code == EXIT_CODE)]
        stopped += [job.name for job in jobs if job.name not in ended]
        if stopped:
            raise RecipeStopped(
                f'Told to stop before the end of {", ".join(stopped)}. What is done is kept; the same command goes '
                'on from there.'
            )
        return {end.name: JobError(end.reason) for end in ended.values() if end.code}

    @abstractmethod
    def execute(self, jobs: list[Job], on_progress: Callable[[Progress], None]) -> list[Ended]:
        """Run jobs until all have ended or, once told to stop, those that had started; arguments as :meth:`run`."""

    def overdue(self) -> bool:
        """Whether jobs that were told to stop have had their time."""
        return self.deadline is not None and time.monotonic() > self.deadline

    def announce_stop(self, job: Job) -> None:
        """Say that a job is told to save and end."""
        self.report(f'{job.name}: told to save and end, in {self.grace:.0f} s; once more ends it now')
