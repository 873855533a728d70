"""What a row of the table is: contenders that do the same work, checked first, then timed in turns."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch

ROLES = ('floor', 'ours', 'option', 'twin', 'peer')
SETTLE_SECONDS = 0.02  # Threads of the contender before spin a little before they sleep.

Measure = Callable[[], float]


class Contender(NamedTuple):
    """One way to do the work.

    Attributes:
        name: What it is called in the table.
        role: ``'floor'`` (what cannot be avoided), ``'ours'`` (once a case: what a user gets by default),
            ``'option'`` (another setting of ours), ``'twin'`` (our plain implementation) or ``'peer'``.
        measure: Does the work once and returns the seconds it took; ``None`` if it cannot run here.
        note: Why it cannot run here, or what its figure stands for.
        elsewhere: What the process of the peers is told to make it ready; ``None`` if it runs in ours.
    """

    name: str
    role: str
    measure: Measure | None
    note: str = ''
    elsewhere: dict | None = None


class Trial(NamedTuple):
    """A case that is ready to run.

    Attributes:
        contenders: In the order of the table.
        check: Raises ``AssertionError`` if a result is wrong; called when every contender has run once.
    """

    contenders: Sequence[Contender]
    check: Callable[[], None]


@dataclass(frozen=True)
class Case:
    """A piece of work, cheap to name; ``build`` makes its inputs.

    Attributes:
        row: Name of the row, as ``--only`` takes it.
        work: What is done, in words.
        build: Makes the contenders.
        axis: What grows from case to case, for the table of growth; ``None`` for the main table.
        value: How large it is here.
        rounds: How often every contender has its turn.
        statistic: ``'median'`` or ``'mean'``, which is shown with the 99th percentile.
        threads: Of PyTorch and OpenCV; ``None`` for those of the command line.
        load: Busy processes beside it.
        memory: Whether memory is measured too.
    """

    row: str
    work: str
    build: Callable[[], Trial]
    axis: str | None = None
    value: int | str | None = None
    rounds: int = 9
    statistic: str = 'median'
    threads: int | None = None
    load: int = 0
    memory: bool = False


@dataclass
class Timing:
    """What came out for one contender: seconds of every turn, and MB beyond the inputs at the peak of one."""

    name: str
    role: str
    note: str = ''
    seconds: list[float] = field(default_factory=list)
    megabytes: float | None = None

    def figure(self, statistic: str) -> float | None:
        """Median or mean seconds, ``None`` if it did not run."""
        return getattr(statistics, statistic)(self.seconds) if self.seconds else None

    def percentile(self, share: float) -> float:
        """The seconds within which a share of the turns was done."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def timed(work: Callable[[], object], device: str = 'cpu') -> Measure:
    """Time one call of ``work``, a GPU's queue included."""

    def measure() -> float:
        synchronize(device)
        started = time.perf_counter()
        work()
        synchronize(device)
        return time.perf_counter() - started

    return measure


def synchronize(device: str) -> None:
    """Wait for a GPU."""
    if torch.device(device).type == 'cuda':
        torch.cuda.synchronize(device)


def time_in_turns(trial: Trial, rounds: int) -> list[Timing]:
    """Warm up, check, and time every contender ``rounds`` times, another one first in each round."""
    timings = [Timing(name, role, note) for name, role, _, note, _ in trial.contenders]
    able = [(one.measure, timing) for one, timing in zip(trial.contenders, timings, strict=True) if one.measure]
    for measure, _ in able:
        measure()
    trial.check()
    for number in range(rounds):
        for measure, timing in _rotated(able, number):
            time.sleep(SETTLE_SECONDS)
            timing.seconds.append(measure())
    return timings


def _rotated(items: list, by: int) -> Iterator:
    by %= len(items)
    return iter(items[by:] + items[:by])


def assert_close(name: str, value: torch.Tensor, expected: torch.Tensor, tolerance: float) -> None:
    """Compare two tensors, relative to the largest absolute value of the expected one."""
    error = ((value.double() - expected.double()).abs().max() / expected.double().abs().max()).item()
    assert error <= tolerance, f'{name}: off by {error:.1e} of the largest value, {tolerance:.0e} is allowed'
