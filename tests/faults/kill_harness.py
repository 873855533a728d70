"""Kills a command that is to survive it, starts it again until it ends, and counts."""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from mmseg_custom.io.checkpoints.checkpoint_file import hash_weights, load_weights

POLL_SECONDS = 0.002
FAULTS_IN_A_ROW = 6
# What is left of a killed command ends by itself; a server of forks first imports all it was told to.
PATIENCE_SECONDS = 60.0
# A kill that waits for one of them hits the moment it is half written, ...
HALF_WRITTEN = ('*/.*.tmp', 'tiny/stage2/.*.tmp')
# ... the moment it appears, or a little later: while an epoch is validated, which begins with a point `iter_<n>.pth`,
# or while candidates are scored, which begins with a lease; their files are written behind it.
APPEARING = (
    'tiny/stage*/*.json',
    'tiny/stage*/fusing.lease',
    'tiny/stage2/all_folds.pth',
    'tiny/stage2/top*.pth',
    '*/iter_*.pth',
    '*/epoch_*.pth',
    '*/best_*.pth',
    '*/run.json',
)
LATER_SECONDS = 0.5


@dataclass(frozen=True)
class Fault:
    """A signal.

    Attributes:
        victim: The whole process ``group``, its first process alone (``main``), or ``any`` one of it.
        seconds: When, after the start; with ``file`` after that one.
        file: A glob below ``work_dirs``: the moment a file that fits it is new and ...
        size: ... has this many bytes.
        number: Which signal. Defaults to ``SIGKILL``.
    """

    victim: str
    seconds: float = 0.0
    file: str | None = None
    size: int = 0
    number: int = signal.SIGKILL

    @classmethod
    def random(cls, rng: random.Random, duration: float) -> 'Fault':
        """A fault within about ``duration`` seconds."""
        victim = rng.choice(('group', 'group', 'main', 'any'))
        if rng.random() < 0.5:
            return cls(victim, seconds=rng.uniform(0, duration))
        if rng.random() < 0.25:
            return cls(victim, file=rng.choice(HALF_WRITTEN), size=rng.randrange(1 << 16))
        later = rng.choice((0.0, rng.uniform(0, LATER_SECONDS)))
        return cls(victim, file=rng.choice(APPEARING), seconds=later)


@dataclass
class Score:
    """Faults that were tried; survived: the command went on and ended as without them; lost: it did not."""

    tried: int = 0
    survived: int = 0
    lost: int = 0

    def __str__(self) -> str:
        return f'{self.tried} faults tried, {self.survived} survived, {self.lost} lost'


class KillHarness:
    """Runs a command in a process group of its own, in the current folder, whose ``work_dirs`` hold what it makes.

    Args:
        commands: One or several to take turns; each ends with 0 when all is done, and goes on where any was killed.
        seed: Of the random faults.
    """

    def __init__(self, *commands: list[str], seed: int = 0) -> None:
        self.commands = cycle([[str(part) for part in command] for command in commands])
        self.rng = random.Random(seed)
        self.work_dirs, self.log = Path('work_dirs').absolute(), Path('kill_harness.log').absolute()

    def run(self, fault: Fault | None = None, timeout: float = 1200.0) -> tuple[bool, int]:
        """Run the command once; whether the fault struck, and the exit code."""
        start, struck, command = time.monotonic(), False, next(self.commands)
        is_due = self._trigger(fault)
        with self.log.open('a') as log:
            log.write(f'--- {" ".join(command[-2:])} {fault}\n')
            log.flush()
            process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            while process.poll() is None:
                assert time.monotonic() - start < timeout, f'{fault}: not over after {timeout} s'
                if not struck and is_due():
                    self._strike(fault, process.pid)
                    struck = True
                time.sleep(POLL_SECONDS if fault and fault.file else 10 * POLL_SECONDS)
        finally:
            self.end_group(process.pid, patience=0 if process.poll() is None else PATIENCE_SECONDS)
        return struck, process.wait()

    def end_group(self, group: int, patience: float) -> None:
        """See that nothing of a process group is left, and end what is.

        Raises:
            AssertionError: If something has not ended by itself after ``patience`` seconds.
        """
        end = time.monotonic() + patience
        while (left := members(group)) and time.monotonic() < end:
            time.sleep(0.1)
        if left:
            os.killpg(group, signal.SIGKILL)
        assert not (left and patience), f'{left} outlived the command by {patience} s'

    def campaign(self, faults: int, say: Callable[[Score], None]) -> Score:
        """Strike the command at random, start it again until it ends, and again from nothing, ``faults`` times."""
        start = time.monotonic()
        assert self.run() == (False, 0), self.log.read_text()[-2000:]
        duration, expected, score = time.monotonic() - start, self.outcome(), Score()
        while score.tried < faults:
            shutil.rmtree(self.work_dirs)
            row = min(FAULTS_IN_A_ROW, faults - score.tried)
            tried = self.strike([Fault.random(self.rng, duration) for _ in range(row)], expected)
            score.tried += abs(tried)
            score.survived += max(tried, 0)
            score.lost += max(-tried, 0)
            say(score)
        return score

    def outcome(self) -> dict[str, str]:
        """The checksum of every weight file of every stage."""
        files = sorted(self.work_dirs.glob('tiny/stage*/*.pth'))
        return {str(path.relative_to(self.work_dirs)): hash_weights(load_weights(path)) for path in files}

    def strike(self, faults: list[Fault], expected: dict[str, str]) -> int:
        """Strike until the command has ended once; the number of faults, negative if it did not end as expected."""
        tried, finished, repeated = 0, {}, False
        waiting = iter(faults)
        while True:
            struck, code = self.run(next(waiting, None))
            tried += struck
            entries = {path: path.stat().st_mtime_ns for path in self.work_dirs.glob('tiny/stage*/f*.json')}
            repeated |= any(entries.get(path) != written for path, written in finished.items())
            finished = entries
            if not struck or code == 0:
                break
        leftovers = list(self.work_dirs.rglob('.*.tmp')) + list(self.work_dirs.rglob('*.lease'))
        good = code == 0 and not repeated and not leftovers and self.outcome() == expected
        if not good:
            with self.log.open('a') as log:
                log.write(f'LOST: {code=} {repeated=} {leftovers=} {self.outcome() == expected=}\n')
        return tried if good else -tried

    def _trigger(self, fault: Fault | None) -> Callable[[], bool]:
        """A function that says whether it is time for a fault; the time is now, or when its file appears."""
        if fault is None:
            return lambda: False
        began = None if fault.file else time.monotonic()
        known = set(self._files(fault.file)) if fault.file else set()

        def is_due() -> bool:
            nonlocal began
            if began is None and any(size >= fault.size for *_, size in set(self._files(fault.file)) - known):
                began = time.monotonic()
            return began is not None and time.monotonic() - began >= fault.seconds

        return is_due

    def _files(self, pattern: str) -> list[tuple]:
        found = []
        for path in self.work_dirs.glob(pattern):
            try:
                found.append((path, path.stat().st_mtime_ns, path.stat().st_size))
            except FileNotFoundError:
                continue
        return found

    def _strike(self, fault: Fault, group: int) -> None:
        if fault.victim == 'group':
            return os.killpg(group, fault.number)
        os.kill(group if fault.victim == 'main' else self.rng.choice(members(group) or [group]), fault.number)


def members(group: int) -> list[int]:
    """The living processes of a process group."""
    found = []
    for path in Path('/proc').glob('[0-9]*/stat'):
        try:
            fields = path.read_text().rpartition(')')[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] not in 'ZX':
            found.append(int(path.parent.name))
    return found
