"""Runs jobs side by side on this machine, each in a clean process of its own."""

import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from mmseg_custom.launchers.gpus import gpu_of_slot, visible_gpus
from mmseg_custom.launchers.pool import GRACE_SECONDS, POLL_SECONDS, Ended, Job, Pool
from mmseg_custom.launchers.threads import threads_of_job
from mmseg_custom.launchers.worker import Progress
from mmseg_kfold.fork_server import start_fork_server


class LocalPool(Pool):
    """Runs jobs in fresh processes forked from a server that has paid for the imports once.

    Args:
        jobs: How many run side by side. They take turns on the GPUs that the
            environment (``CUDA_VISIBLE_DEVICES``) leaves to this process, and share its cores among their threads.
        grace: Seconds that running jobs have to save and end once :meth:`stop` was called.

    Raises:
        GpuError: If the environment's list of GPUs cannot be meant.
    """

    def __init__(self, jobs: int = 1, grace: float = GRACE_SECONDS) -> None:
        super().__init__(jobs, grace)
        visible_gpus()
        self.context = multiprocessing.get_context('forkserver')

    def execute(self, jobs: list[Job], on_progress: Callable[[Progress], None]) -> list[Ended]:
        """See :meth:`Pool.execute`."""
        start_fork_server()
        waiting, ended = list(jobs), []
        running: list[_Work] = []
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
                ended += [_ended(work.job, work.process.exitcode) for work in over]
        finally:
            self._end(running)
        return ended

    def _start(self, job: Job, taken: set[int]) -> '_Work':
        slot = min(set(range(self.jobs)) - taken)
        progress, tell = self.context.Pipe(duplex=False)
        extra = (tell, {**gpu_of_slot(slot), **threads_of_job(self.jobs)}) if job.trains else ()
        process = self.context.Process(target=job.target, args=(*job.args, *extra), name=job.name)
        process.start()
        tell.close()
        return _Work(job, process, slot, progress)

    def _press(self, running: list['_Work']) -> None:
        for work in running if self.deadline is not None else ():
            if self.overdue():
                work.process.kill()
            elif not work.asked:
                self.announce_stop(work.job)
                work.asked = True
                work.process.terminate()

    def _end(self, running: list['_Work']) -> None:
        """End what still runs because of an error here."""
        for work in running:
            work.process.terminate()
        for work in running:
            work.process.join(self.grace)
            work.process.kill()


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


def _ended(job: Job, code: int) -> Ended:
    if code == 0:
        return Ended(job.name, code)
    lines = job.log.read_text(errors='replace').splitlines() if job.log.is_file() else []
    how = f'exit code {code}' if code > 0 else f'killed by signal {-code}'
    return Ended(job.name, code, '\n'.join([f'{job.name} failed ({how}). The end of {job.log}:', *lines[-12:]]))
