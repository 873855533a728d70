"""Runs jobs on the nodes of a Ray cluster, which share a file system."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

from mmseg_custom.engine.stop_signals import EXIT_CODE
from mmseg_custom.launchers.pool import GRACE_SECONDS, POLL_SECONDS, Ended, Job, Pool
from mmseg_custom.launchers.ray_cluster import connect, free_slots
from mmseg_custom.launchers.ray_job import NodeJob, shared_place
from mmseg_custom.launchers.worker import Progress
from mmseg_custom.messages import Report

ROOT = Path(__file__).resolve().parents[3]
LOST = -9  # As if killed: nothing is known of its end.
CALLS_AT_ONCE = 3  # run, stop and news
# For the last lines of a job that is over: a node that does not answer by then is lost.
END_SECONDS = 10.0


class RayPool(Pool):
    """Submits jobs to a Ray cluster: an actor each, which runs the job in a clean process of its node.

    A job that is lost with its node, killed by a signal or told to stop by its machine is started again and goes on
    from its newest resume point; one that fails by itself is not. All nodes need the same environment and the
    driver's file system at the same path.

    Args:
        address: Of the cluster, as ``ray.init`` takes it; ``None``: that of ``RAY_ADDRESS``, else the one this
            machine belongs to, else a new one on this machine alone.
        jobs: How many run side by side at most; ``None``: as many as there are free slots.
        cpus: CPUs a job, and the threads of its PyTorch.
        gpus: GPUs a job, at most one since it is one process; ``None``: one if the cluster has any.
        retries: How often a lost job is started again; one that kills three nodes would kill a fourth.
        grace: Seconds that running jobs have to save and end once :meth:`stop` was called.

    Raises:
        MissingExtraError: If Ray is not installed.
        ClusterError: If the cluster cannot be reached, or none of its nodes can take a job.
    """

    def __init__(
        self,
        address: str | None = None,
        jobs: int | None = None,
        cpus: float = 1,
        gpus: float | None = None,
        retries: int = 3,
        grace: float = GRACE_SECONDS,
    ) -> None:
        self.ray = connect(address)
        if gpus is None:
            gpus = min(1.0, self.ray.cluster_resources().get('GPU', 0.0))
        self.request = {'CPU': cpus, 'GPU': gpus}
        self.retries, self.limit = retries, jobs
        places = free_slots(self.ray, self.request)
        super().__init__(jobs or places, grace)

    def execute(self, jobs: list[Job], on_progress: Callable[[Progress], None]) -> list[Ended]:
        """See :meth:`Pool.execute`."""
        waiting, ended = list(jobs), []
        running: list[_Work] = []
        limit = self.limit or len(jobs)
        try:
            while running or (waiting and self.deadline is None):
                while waiting and len(running) < limit and self.deadline is None:
                    running.append(self._start(waiting.pop(0)))
                self.ray.wait([work.end for work in running], timeout=POLL_SECONDS)
                self._press(running)
                for work in list(running):
                    work.forward(on_progress, self.report)
                    if work.is_over():
                        running.remove(work)
                        again, end = self._next_try(work)
                        running += again
                        ended += end
        finally:
            for work in running:
                work.release()
        return ended

    def _start(self, job: Job, tries: int = 0) -> '_Work':
        paths = [str(ROOT), *os.environ.get('PYTHONPATH', '').split(os.pathsep)]
        environment = {'PYTHONPATH': os.pathsep.join(path for path in paths if path)}
        if not self.request['GPU']:
            environment['CUDA_VISIBLE_DEVICES'] = ''
        actor = self.ray.remote(NodeJob).options(
            num_cpus=self.request['CPU'],
            num_gpus=self.request['GPU'],
            max_concurrency=CALLS_AT_ONCE,
            runtime_env={'env_vars': environment},
        )
        return _Work(self.ray, job, actor.remote(), tries)

    def _press(self, running: list['_Work']) -> None:
        for work in running if self.deadline is not None else ():
            if self.overdue() or not work.node:
                work.release()
            elif not work.asked:
                self.announce_stop(work.job)
                work.asked = True
                work.actor.stop.remote()

    def _next_try(self, work: '_Work') -> tuple[list['_Work'], list[Ended]]:
        """Another try of a job that was lost, or its end."""
        end = work.result()
        work.release()
        lost = end.code < 0 or end.code == EXIT_CODE
        if not lost or self.deadline is not None or work.tries >= self.retries:
            return [], [end]
        free_slots(self.ray, self.request)
        again = work.tries + 1
        where = f'on {work.node}' if work.node else 'before it began'
        self.report(f'{work.job.name}: lost {where}, started again ({again} of {self.retries})')
        return [self._start(work.job, again)], []


class _Work:
    """A job on the cluster, at the latest when a slot is free."""

    def __init__(self, ray: ModuleType, job: Job, actor: Any, tries: int) -> None:
        self.ray, self.job, self.actor, self.tries = ray, job, actor, tries
        self.node, self.asked, self._held = '', False, ExitStack()
        place = self._held.enter_context(shared_place(job.log.parent))
        self.end = actor.run.remote(job, place)
        self._news = actor.news.remote()

    def is_over(self) -> bool:
        """Whether it has ended, well or not."""
        return bool(self.ray.wait([self.end], timeout=0)[0])

    def forward(self, on_progress: Callable[[Progress], None], report: Report) -> None:
        """Hand on what the job has told since the last call, all of it if it is over."""
        over = self.is_over()
        if not self.ray.wait([self._news], timeout=END_SECONDS if over else 0)[0]:
            return
        try:
            node, told = self.ray.get(self._news)
            if over:
                told += self.ray.get(self.actor.news.remote(), timeout=END_SECONDS)[1]
        except self.ray.exceptions.RayError:
            return
        if not self.node:
            report(f'{self.job.name}: on {node}')
        self.node = node
        for progress in told:
            on_progress(progress)
        self._news = self.actor.news.remote()

    def result(self) -> Ended:
        """How it has ended."""
        name, errors = self.job.name, self.ray.exceptions
        try:
            return self.ray.get(self.end)
        except errors.RayActorError as error:
            return Ended(name, 1 if error.actor_init_failed else LOST, f'{name}: {error}')
        except errors.RayError as error:
            return Ended(name, 1, f'{name} failed on the cluster: {error}')

    def release(self) -> None:
        """End it, and give back its place."""
        self.ray.kill(self.actor)
        self._held.close()
