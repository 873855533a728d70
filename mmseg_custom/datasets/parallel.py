"""One function over many files, in several processes."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from typing import TypeVar

import cv2

from mmseg_custom.io.processes import end_with_parent

T = TypeVar('T')
R = TypeVar('R')
Progress = Callable[[int, int], None]
# A process asks for work once in some files, and all still end at about the same time. Not measured.
FILES_AT_A_TIME = 4


def map_in_processes(
    function: Callable[[T], R],
    items: Sequence[T],
    workers: int = 1,
    on_progress: Progress | None = None,
    at_a_time: int = FILES_AT_A_TIME,
) -> Iterator[R]:
    """Yield ``function(item)`` for every item, in their order.

    Args:
        function: Picklable when there is more than one worker.
        items: What to work on.
        workers: Number of processes; 1 works in this one. Defaults to 1.
        on_progress: Called with the number of items done and their total after each of them.
        at_a_time: Items that a process is given at once.
    """
    pool = ProcessPoolExecutor(workers, initializer=_start_worker) if workers > 1 else None
    with pool or nullcontext():
        results = pool.map(function, items, chunksize=at_a_time) if pool else map(function, items)
        for done, result in enumerate(results, start=1):
            if on_progress:
                on_progress(done, len(items))
            yield result


def _start_worker() -> None:
    end_with_parent()  # Whoever is killed leaves workers that would wait for work for ever.
    cv2.setNumThreads(0)  # OpenCV's threads do not survive a fork; the processes are the parallelism here.
