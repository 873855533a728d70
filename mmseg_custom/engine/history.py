"""The record of a training run, and what follows from it: the best epoch, and when to stop."""

import math
from collections.abc import Mapping, Sequence

from mmengine.logging import HistoryBuffer, MessageHub

from mmseg_custom.fold_settings import INNER

History = Sequence[dict[str, float]]
HISTORY_KEY = 'history'
MONITOR = 'mIoU'  # Unless default_hooks.history says otherwise.
BEST, LAST = 'best', 'last'  # Which validation a run keeps the weights of.
SCALARS_KEY = 'last_scalars'
LOG_WINDOW = 1000  # More than the window of any mean in MMEngine's logs, unless that is the whole run.


def best_position(history: History, monitor: str) -> int | None:
    """Position of the first record with the highest ``monitor``; ``None`` if there is no finite one."""
    scores = [(record[monitor], -position) for position, record in enumerate(history)]
    finite = [score for score in scores if math.isfinite(score[0])]
    return -max(finite)[1] if finite else None


def chosen_position(history: History, monitor: str, select: str = BEST) -> int | None:
    """Position of the record whose weights a run keeps; ``None`` if there is none with a finite ``monitor``.

    Args:
        history: Of the run.
        monitor: The metric that has to be finite.
        select: ``'best'`` or ``'inner'``, the first with the highest ``monitor``, or ``'last'``.
    """
    if select in (BEST, INNER):
        return best_position(history, monitor)
    finite = [position for position, record in enumerate(history) if math.isfinite(record[monitor])]
    return finite[-1] if finite else None


def epochs_without_improvement(history: History, monitor: str) -> int:
    """Number of records since the best one; an equal score is no improvement."""
    best = best_position(history, monitor)
    return len(history) if best is None else len(history) - 1 - best


def epochs_trained(history: History) -> int:
    """The epochs of a finished run, which has a record of each validation."""
    return int(history[-1]['epoch']) if history else 0


def last_scalars(log_scalars: Mapping[str, HistoryBuffer], count: int) -> dict[str, list[float]]:
    """The last ``count`` values of everything that is logged of each training iteration, as plain data."""
    return {key: buffer.data[0][-count:].tolist() for key, buffer in log_scalars.items() if key.startswith('train/')}


def restore_scalars(hub: MessageHub) -> None:
    """Log again what an interrupted run had logged, so that the means of its epoch are those of the whole epoch."""
    for key, values in hub.pop_info(SCALARS_KEY, {}).items():
        for value in values:
            hub.update_scalar(key, value)


def keep_last(hub: MessageHub, count: int) -> None:
    """Forget all but the last ``count`` values of everything that is logged; MMEngine keeps a million of each."""
    count = max(count, LOG_WINDOW)
    for key, buffer in hub.log_scalars.items():
        hub.log_scalars[key] = HistoryBuffer(*(values[-count:] for values in buffer.data))
