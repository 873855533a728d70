"""Runs jobs side by side on this machine, each in a clean process of its own."""

import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from typing import Any

import torch

from mmseg_custom.stages.worker import Progress

POLL_SECONDS = 0.2
# The optimizer imports torch._dynamo at its first step: a second a fold, unless it is paid here once.
PRELOAD = ['mmseg_custom.stages.worker', 'torch._dynamo']


@dataclass(frozen=True)
class Job:
    """A call in a process of its own.

    Attributes:
        name: How messages call it.
        target: A function of a module; called with ``args`` and, if it trains, the queue for progress and the number
            of a GPU (``None`` unless there are several).
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


class LocalPool:
    """Runs jobs in fresh processes forked from a server that has paid for the imports once.

    Args:
        jobs: How many run side by side. With several GPUs they take turns.
    """

    def __init__(self, jobs: int = 1) -> None:
        self.jobs = jobs
        self.context = multiprocessing.get_context('forkserver')
        self.context.set_forkserver_preload(PRELOAD)
        self.progress = self.context.Queue()

    def run(self, jobs: list[Job], on_progress: Callable[[Progress], None]) -> dict[str, JobError]:
        """Run all jobs; a failed one does not stop the others.

        Args:
            jobs: What to run, in order of start.
            on_progress: Called for each validated epoch.

        Returns:
            The failed jobs, by name.
        """
        waiting, running, failed = list(jobs), {}, {}
        try:
            while waiting or running:
                while waiting and len(running) < self.jobs:
                    free = set(range(self.jobs)) - {slot for _, slot in running.values()}
                    job, slot = waiting.pop(0), min(free)
                    running[self._start(job, slot)] = (job, slot)
                self._forward_progress(on_progress)
                for process in [process for process in running if not process.is_alive()]:
                    job, _ = running.pop(process)
                    process.join()
                    if process.exitcode:
                        failed[job.name] = JobError(_explain(job, process.exitcode))
        finally:
            for process in running:
                process.terminate()
                process.join()
        self._forward_progress(on_progress)
        return failed

    def _start(self, job: Job, slot: int) -> Any:
        gpus = torch.cuda.device_count()
        extra = (self.progress, slot % gpus if gpus > 1 else None) if job.trains else ()
        process = self.context.Process(target=job.target, args=(*job.args, *extra), name=job.name)
        process.start()
        return process

    def _forward_progress(self, on_progress: Callable[[Progress], None]) -> None:
        try:
            on_progress(self.progress.get(timeout=POLL_SECONDS))
            while True:
                on_progress(self.progress.get_nowait())
        except Empty:
            pass


def _explain(job: Job, exitcode: int) -> str:
    lines = job.log.read_text(errors='replace').splitlines() if job.log.is_file() else []
    return '\n'.join([f'{job.name} failed (exit code {exitcode}). The end of {job.log}:', *lines[-12:]])
