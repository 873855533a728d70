"""Work in a process of its own: of another environment, or so that its memory can be seen.

One message a line, as JSON: ``{"prepare": name, ...}`` makes a contender ready, ``{"run": name}`` has it work once.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.options import ROOT

# Freed blocks go back to the system at once, so that what a call needs shows each time.
FRUGAL = {'MALLOC_MMAP_THRESHOLD_': '65536', 'MALLOC_TRIM_THRESHOLD_': '65536'}
SAMPLE_SECONDS = 0.0005


class WorkerError(RuntimeError):
    """What went wrong in the process."""


class Worker:
    """A process that serves :func:`serve`.

    Args:
        python: Its interpreter.
        module: Its main module.
        frugal: Whether it hands freed memory back at once.
    """

    def __init__(self, python: str, module: str, frugal: bool = False) -> None:
        environment = {**os.environ, 'PYTHONPATH': str(ROOT), **(FRUGAL if frugal else {})}
        self.process = subprocess.Popen(
            [python, '-m', module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=ROOT,
        )

    def ask(self, **message: object) -> dict:
        """Send a message and wait for the answer.

        Raises:
            WorkerError: If the process failed or has gone.
        """
        self.process.stdin.write(json.dumps(message) + '\n')
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        answer = json.loads(line) if line else {'error': 'the process has ended'}
        if 'error' in answer:
            raise WorkerError(answer['error'])
        return answer

    def close(self) -> None:
        """End the process."""
        self.process.stdin.close()
        self.process.wait()

    def extra_megabytes(self, name: str) -> float:
        """MB at the peak of one run, beyond what the process holds already.

        Of tensors on a GPU; else of anonymous memory, in which pages of mapped files do not count.
        """
        self.ask(run=name)
        before = peak = self._anonymous()
        done = threading.Event()

        def watch() -> None:
            nonlocal peak
            while not done.is_set():
                peak = max(peak, self._anonymous())
                time.sleep(SAMPLE_SECONDS)

        watcher = threading.Thread(target=watch)
        watcher.start()
        answer = self.ask(run=name)
        done.set()
        watcher.join()
        return answer.get('device_bytes', peak - before) / 1e6

    def _anonymous(self) -> int:
        status = Path(f'/proc/{self.process.pid}/status').read_text()
        return int(status.split('RssAnon:')[1].split()[0]) * 1024


def serve(prepare: Callable[..., Callable[[], float]]) -> None:
    """Answer messages until the other side hangs up; what else is printed goes to the error stream."""
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)
    ready: dict[str, Callable[[], float]] = {}
    for line in sys.stdin:
        try:
            answer = _answer(json.loads(line), ready, prepare)
        except Exception as error:  # Whatever it is, the table says so and goes on.
            answer = {'error': f'{type(error).__name__}: {error}'}
        answers.write(json.dumps(answer) + '\n')
        answers.flush()


def _answer(message: dict, ready: dict[str, Callable[[], float]], prepare: Callable[..., Callable]) -> dict:
    if 'prepare' in message:
        name = message.pop('prepare')
        ready[name] = prepare(name, **message)
        return {}
    if 'forget' in message:
        ready.clear()
        return {}
    if not torch.cuda.is_available():
        return {'seconds': ready[message['run']]()}
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    seconds = ready[message['run']]()
    return {'seconds': seconds, 'device_bytes': torch.cuda.max_memory_allocated() - before}
