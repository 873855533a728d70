"""Runs jobs side by side on this machine, each in a clean process of its own."""

import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch

from mmseg_custom.engine.stop_signals import EXIT_CODE, STOP_SIGNALS
from mmseg_custom.errors import UserError
from mmseg_custom.stages.worker import Progress

POLL_SECONDS = 0.5
PRELOAD = ['mmseg_custom.stages.fork_server']
GRACE_SECONDS = 120.0


@dataclass(frozen=True)
class Job:
    """A call in a process of its own.

    Attributes:
        name: How messages call it.
        target: A function of a module; called with ``args`` and, if it trains, the connection for progress and the
            number of a GPU (``None`` unless there are several).
        args: Its own arguments.
        log: The file that takes what it prints.
        trains: Whether it is a training run.
    """

    name: str
    target: Callable[..., None]
    args: tuple
    log: Path
    trains: bool = True


class JobError(RuntimeError):
    """A job that failed; the message holds the end of its log."""


class RecipeStopped(UserError):
    """Runs that were told to stop; what they have saved lets them go on."""

    exit_code = EXIT_CODE


class LocalPool:
    """Runs jobs in fresh processes forked from a server that has paid for the imports once.

    Args:
        jobs: How many run side by side. With several GPUs they take turns.
        grace: Seconds that running jobs have to save and end once :meth:`stop` was called.
    """

    def __init__(self, jobs: int = 1, grace: float = GRACE_SECONDS) -> None:
        self.jobs, self.grace = jobs, grace
        self.context = multiprocessing.get_context('forkserver')
        self.context.set_forkserver_preload(PRELOAD)
        self.deadline: float | None = None
        self.report: Callable[[str], None] = lambda line: None

    def stop(self) -> None:
        """Start nothing more and ask what runs to save and end; a second call ends it at once."""
        self.deadline = time.monotonic() + (self.grace if self.deadline is None else 0)

    @contextmanager
    def stopped_by_signals(self, report: Callable[[str], None]) -> Iterator[None]:
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
        waiting, running, ended = list(jobs), [], []
        try:
            while running or (waiting and self.deadline is None):
                while waiting and len(running) < self.jobs and self.deadline is None:
                    running.append(self._start(waiting.pop(0), {work.slot for work in running}))
                wait([end for work in running for end in work.signs()], POLL_SECONDS)
                self._press(running)
                over = [work for work in running if not work.process.is_alive()]
                for work in running:
                    work.forward(on_progress)
                running = [work for work in running if work not in over]
                ended += [(work.job, work.process.exitcode) for work in over]
        finally:
            self._end(running)
        return self._judge(ended, waiting)

    def _start(self, job: Job, taken: set[int]) -> '_Work':
        slot, gpus = min(set(range(self.jobs)) - taken), torch.cuda.device_count()
        progress, tell = self.context.Pipe(duplex=False)
        extra = (tell, slot % gpus if gpus > 1 else None) if job.trains else ()
        process = self.context.Process(target=job.target, args=(*job.args, *extra), name=job.name)
        process.start()
        tell.close()
        return _Work(job, process, slot, progress)

    def _press(self, running: list['_Work']) -> None:
        if self.deadline is None:
            return
        for work in running:
            if time.monotonic() > self.deadline:
                work.process.kill()
            elif not work.asked:
                self.report(f'{work.job.name}: told to save and end, in {self.grace:.0f} s; once more ends it now')
                work.asked = True
                work.process.terminate()

    def _end(self, running: list['_Work']) -> None:
        """End what still runs because of an error here."""
        for work in running:
            work.process.terminate()
        for work in running:
            work.process.join(self.grace)
            work.process.kill()

    def _judge(self, ended: list[tuple[Job, int]], waiting: list[Job]) -> dict[str, JobError]:
        told = self.deadline is not None
        stopped = [job for job, code in ended if code and (told or code == EXIT_CODE)]
        if stopped or waiting:
            names = ', '.join(job.name for job in [*stopped, *waiting])
            raise RecipeStopped(
                f'Told to stop before the end of {names}. What is done is kept; the same command goes on from there.'
            )
        return {job.name: JobError(_explain(job, code)) for job, code in ended if code}


@dataclass(eq=False)
class _Work:
    """A job in its process."""

    job: Job
    process: BaseProcess
    slot: int
    progress: Connection
    asked: bool = False

    def signs(self) -> list[Any]:
        """What becomes readable when there is something to tell, or at the end."""
        return [self.process.sentinel] + ([] if self.progress.closed else [self.progress])

    def forward(self, on_progress: Callable[[Progress], None]) -> None:
        """Hand on what the job has told, which ends with its process."""
        try:
            while not self.progress.closed and self.progress.poll():
                on_progress(self.progress.recv())
        except (EOFError, OSError):
            self.progress.close()


def _explain(job: Job, exitcode: int) -> str:
    lines = job.log.read_text(errors='replace').splitlines() if job.log.is_file() else []
    how = f'exit code {exitcode}' if exitcode > 0 else f'killed by signal {-exitcode}'
    return '\n'.join([f'{job.name} failed ({how}). The end of {job.log}:', *lines[-12:]])
