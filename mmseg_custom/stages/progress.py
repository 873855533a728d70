"""How far a plan is, and how long the rest will take."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from mmseg_custom.stages.worker import Progress


class PlanProgress:
    """Turns validated epochs of single runs into lines about the whole plan.

    Args:
        epochs: Epochs to train, by config.
        report: Takes the lines.
    """

    def __init__(self, epochs: Mapping[str, int], report: Callable[[str], None]) -> None:
        self.epochs, self.report = dict(epochs), report
        self.done = dict.fromkeys(epochs, 0)
        self.skipped = dict.fromkeys(epochs, 0)
        self.started = time.monotonic()

    def tell(self, progress: Progress) -> None:
        """Take note of an epoch, or of the end of a run, and report a score."""
        if not self.done[progress.config]:
            self.skipped[progress.config] = progress.epoch - 1
        self.done[progress.config] = progress.epoch
        if progress.score is not None:
            self.report(
                f'{Path(progress.config).stem}: epoch {progress.epoch}/{self.epochs[progress.config]}, '
                f'{progress.score:.2f} mIoU | {self.fraction:.0%} of the plan, {_duration(self.seconds_left)} left'
            )

    @property
    def fraction(self) -> float:
        """The part of the epochs that is done."""
        return sum(self.done.values()) / max(1, sum(self.epochs.values()))

    @property
    def seconds_left(self) -> float:
        """The time left at the speed so far; runs that stop early shorten it."""
        trained = sum(self.done.values()) - sum(self.skipped.values())
        left = sum(self.epochs.values()) - sum(self.done.values())
        return left * (time.monotonic() - self.started) / max(1, trained)


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f'{hours} h {minutes:02} min' if hours else f'{minutes} min {seconds:02} s'
