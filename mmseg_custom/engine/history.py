"""The record of a training run, and what follows from it: the best epoch, and when to stop."""

import math
from collections.abc import Sequence

History = Sequence[dict[str, float]]
HISTORY_KEY = 'history'


def best_position(history: History, monitor: str) -> int | None:
    """Position of the first record with the highest ``monitor``; ``None`` if there is no finite one."""
    scores = [(record[monitor], -position) for position, record in enumerate(history)]
    finite = [score for score in scores if math.isfinite(score[0])]
    return -max(finite)[1] if finite else None


def epochs_without_improvement(history: History, monitor: str) -> int:
    """Number of records since the best one; an equal score is no improvement."""
    best = best_position(history, monitor)
    return len(history) if best is None else len(history) - 1 - best
