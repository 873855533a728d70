"""How far a plan is, and how long the rest will take."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from mmseg_custom.engine.history import MONITOR
from mmseg_custom.launchers.worker import Progress
from mmseg_custom.messages import Report


@dataclass
class RunProgress:
    """How far a run is.

    Attributes:
        name: Its name in the plan.
        stage: The number of its stage.
        run_name: Its name in the ledger of the stage.
        length: Epochs or iterations to train, as ``unit`` says.
        unit: ``'epoch'`` or ``'iteration'``.
        monitor: The name of the score; ``None`` for one that says nothing and is not shown.
        done: What of it is done, with the part of the epoch under way.
        resumed: Of this, what an earlier call has done.
        loss: The mean training loss of the last iterations.
        score: That of the last validation.
        best: The best one in this call.
        began: When it was first heard of, in seconds of ``time.monotonic``.
        heard: When it was last heard of; the clock of a run that died stands still.
    """

    name: str
    stage: int
    run_name: str
    length: int
    unit: str = 'epoch'
    monitor: str | None = MONITOR
    done: float = 0.0
    resumed: float = 0.0
    loss: float | None = None
    score: float | None = None
    best: float | None = None
    began: float | None = None
    heard: float | None = None

    def update(self, progress: Progress) -> None:
        """Take note of what the run tells."""
        self.heard = time.monotonic()
        if self.began is None:
            self.began, self.resumed = self.heard, progress.done
        self.done = progress.done
        self.loss = self.loss if progress.loss is None else progress.loss
        if progress.score is not None and self.monitor:
            self.score = progress.score
            self.best = progress.score if self.best is None else max(self.best, progress.score)

    @property
    def finished(self) -> bool:
        """Whether nothing is left."""
        return self.done >= self.length

    @property
    def elapsed(self) -> float | None:
        """Seconds in this call, ``None`` before the start."""
        return None if self.began is None or self.heard is None else self.heard - self.began

    @property
    def seconds_left(self) -> float | None:
        """The time left at the speed so far, ``None`` while that is unknown."""
        trained, elapsed = self.done - self.resumed, self.elapsed
        return elapsed / trained * (self.length - self.done) if elapsed is not None and trained > 0 else None


class PlanProgress:
    """Brings together what single runs tell about themselves.

    Args:
        runs: The runs to train, by name.
        report: Takes a line for each validated epoch; ``None`` for no lines.

    Attributes:
        stage: The number of the stage under way.
    """

    def __init__(self, runs: Mapping[str, RunProgress], report: Report | None) -> None:
        self.runs, self.report = dict(runs), report
        self.stage: int | None = None
        self.started = time.monotonic()

    def tell(self, progress: Progress) -> None:
        """Take note of what a run tells, and report a score."""
        run = self.runs[progress.run]
        run.update(progress)
        if progress.score is not None and self.report:
            told = f', {run.score:.2f} {run.monitor}' if run.monitor else ''
            self.report(
                f'{run.name}: {run.unit} {run.done:.0f}/{run.length}{told} | '
                f'{self.fraction:.0%} of the plan, {duration(self.seconds_left)} left'
            )

    @property
    def fraction(self) -> float:
        """The part of the training that is done."""
        return sum(run.done for run in self.runs.values()) / max(1, sum(run.length for run in self.runs.values()))

    @property
    def seconds_left(self) -> float | None:
        """The time left at the speed so far, ``None`` while that is unknown; runs that stop early shorten it."""
        trained = sum(run.done - run.resumed for run in self.runs.values())
        left = sum(run.length - run.done for run in self.runs.values())
        return left * (time.monotonic() - self.started) / trained if trained > 0 else None


def duration(seconds: float | None) -> str:
    """Seconds as people say them: ``1 h 05 min``, ``5 min 09 s``; ``?`` for ``None``."""
    if seconds is None:
        return '?'
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f'{hours} h {minutes:02} min' if hours else f'{minutes} min {seconds:02} s'
