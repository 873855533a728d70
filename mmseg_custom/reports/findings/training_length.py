"""Whether a training counts in epochs or in iterations, and where in it something stands."""

from collections.abc import Iterable, Mapping
from typing import Any

from mmseg_custom.ledger.stage_ledger import Entry

EPOCH, ITERATION = 'epoch', 'iteration'
KEYS = {EPOCH: 'epoch', ITERATION: 'iter'}


def unit_of(entries: Iterable[Entry]) -> str:
    """``'iteration'`` if a loop over iterations is among the records of some runs, else ``'epoch'``."""
    loops = [entry.get('experiment', {}).get('train_cfg') or {} for entry in entries]
    return ITERATION if any(loop.get('max_iters') for loop in loops) else EPOCH


def position(record: Mapping[str, Any], unit: str) -> int | float:
    """Where a record of a history stands, in epochs or in iterations."""
    return record[KEYS[unit]]


def length(entry: Entry, unit: str) -> int:
    """How long a finished run was trained, in epochs or in iterations."""
    history = entry['history']
    return int(position(history[-1], unit)) if history else 0
