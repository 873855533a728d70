"""The rows of the table: a module each, whose ``cases(options, peers)`` names what it measures."""

from collections.abc import Callable, Iterator

from benchmarks.frame import Case
from benchmarks.options import Options
from benchmarks.peers.client import Peers
from benchmarks.rows import averaging, fold_start, inference, int8, loader, loss, sample, training_step, validation

__all__ = ['ROWS']

ROWS: dict[str, Callable[[Options, Peers], Iterator[Case]]] = {
    'loss': loss.cases,
    'sample': sample.cases,
    'loader': loader.cases,
    'training_step': training_step.cases,
    'inference': inference.cases,
    'int8': int8.cases,
    'validation': validation.cases,
    'averaging': averaging.cases,
    'fold_start': fold_start.cases,
}
