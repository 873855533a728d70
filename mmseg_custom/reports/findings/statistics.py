"""The few numbers that the report computes itself."""

import math
from collections.abc import Sequence

import numpy as np


def mean_and_deviation(values: Sequence[float]) -> tuple[float, float]:
    """The mean of the finite values and their sample deviation (divisor n - 1), NaN where there are too few."""
    finite = [value for value in values if math.isfinite(value)]
    mean = float(np.mean(finite)) if finite else math.nan
    return mean, float(np.std(finite, ddof=1)) if len(finite) > 1 else math.nan


def correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Pearson's correlation of the pairs that are finite; NaN for fewer than three, or where one side is constant."""
    pairs = np.array([first, second], dtype=np.float64)
    pairs = pairs[:, np.isfinite(pairs).all(0)]
    if pairs.shape[1] < 3 or not np.ptp(pairs, axis=1).all():
        return math.nan
    return float(np.corrcoef(pairs)[0, 1])


def restart_positions(rates: Sequence[float]) -> list[int]:
    """Where a learning rate rises again after it has fallen; a warm-up, which only rises, is no restart."""
    return [
        i
        for i in range(2, len(rates))
        if rates[i] > rates[i - 1] and rates[i - 1] < max(rates[: i - 1]) and rates[i - 1] <= rates[i - 2]
    ]


def row_shares(matrix: np.ndarray) -> np.ndarray:
    """Each row of a count matrix divided by its sum; NaN for rows that counted nothing."""
    totals = matrix.sum(1, keepdims=True).astype(np.float64)
    return np.divide(matrix, totals, out=np.full(matrix.shape, math.nan), where=totals > 0)
