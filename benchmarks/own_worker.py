"""One of our contenders in a process of its own, for its memory: `python -m benchmarks.own_worker`."""

from itertools import islice

from benchmarks.frame import Measure
from benchmarks.machine import set_threads
from benchmarks.options import Options
from benchmarks.peers.client import Peers
from benchmarks.rows import ROWS
from benchmarks.worker import serve


def prepare(name: str, key: list, options: dict) -> Measure:
    """Build a case (its row, and its number there) and take one contender."""
    settings, (row, number) = Options(**options), key
    set_threads(settings.threads)
    case = next(islice(ROWS[row](settings, Peers(None)), number, None))
    return next(contender.measure for contender in case.build().contenders if contender.name == name)


serve(prepare)
