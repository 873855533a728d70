"""Exchanging groups between parts until the parts are alike."""

import numpy as np

SWEEPS = 40
VISITS = 300  # Pairs of parts that are looked at, at least one sweep over all of them.
COMPARED = 256  # Groups of a part that are compared with those of another at once.
SIZE_WEIGHT = 4.0
CLOSE = 0.01
LEAST_GAIN = -1e-8


def deviations(part_of: np.ndarray, values: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """How far the sum of each part is from its share of all, relative to it: (P, C), 0 for equal, -1 for none.

    Args:
        part_of: The part of each group (G,).
        values: Of each group (G, C), each column with a sum above 0.
        shares: Of the parts (P,).
    """
    sums = np.array([values[part_of == part].sum(0) for part in range(len(shares))])
    return sums / (shares[:, None] * values.sum(0)) - 1


def exchange(
    part_of: np.ndarray,
    pixels: np.ndarray,
    sizes: np.ndarray,
    shares: np.ndarray,
    rng: np.random.Generator,
    stress: float = 1.0,
) -> np.ndarray:
    """Exchange groups between two parts as long as that lowers the sum of the squared relative deviations.

    Args:
        part_of: The part of each group (G,).
        pixels: (G, C).
        sizes: (G,); where not all are 1, a group may also move without another in return.
        shares: (P,).
        rng: Decides on the order of the pairs, and on the groups that are looked at where there are many.
        stress: Weight of the rarest class. Defaults to 1, that of the others.
    """
    weights = np.ones(pixels.shape[1] + 1)
    if pixels.size:
        weights[pixels.sum(0).argmin()] = stress
    weights[-1] = SIZE_WEIGHT
    values = np.column_stack([pixels, sizes]).astype(np.float64)
    values *= np.sqrt(weights) / values.sum(0)
    away = deviations(part_of, values, shares) * np.sqrt(weights)
    state = _Exchange(part_of.copy(), values, away, shares, rng, may_move=bool(sizes.max() > 1))
    pairs = [(a, b) for a in range(len(shares)) for b in range(a)]
    for _ in range(min(SWEEPS, -(-VISITS // len(pairs)))):
        changed = [state.exchange(*pairs[k]) for k in rng.permutation(len(pairs))]
        if not any(changed) or np.abs(away).max() < CLOSE:
            break
    return state.part_of


class _Exchange:
    """Parts whose groups are exchanged; ``away`` (P, C) is kept up to date."""

    def __init__(
        self,
        part_of: np.ndarray,
        values: np.ndarray,
        away: np.ndarray,
        shares: np.ndarray,
        rng: np.random.Generator,
        may_move: bool,
    ) -> None:
        self.part_of, self.away, self.shares, self.rng, self.may_move = part_of, away, shares, rng, may_move
        # The last row is no group at all: what is given for one that moves without another in return.
        self.values = np.vstack([values, np.zeros_like(values[:1])])
        self.held = values.max(1)

    def exchange(self, a: int, b: int) -> bool:
        """Make the best exchange between two parts, if one lowers the cost."""
        mine, yours = self._candidates(a), self._candidates(b)
        x, y, shares = self.values[mine], self.values[yours], self.shares
        slope = self.away[a] / shares[a] - self.away[b] / shares[b]
        squares = (x**2).sum(1)[:, None] + (y**2).sum(1) - 2 * x @ y.T
        change = 2 * (y @ slope - (x @ slope)[:, None]) + squares * (1 / shares[a] ** 2 + 1 / shares[b] ** 2)
        # Rounded, that the order in which a processor adds up decides on nothing.
        i, j = np.unravel_index(np.round(change, 9).argmin(), change.shape)
        if change[i, j] > LEAST_GAIN or self._would_empty(a, b, mine[i], yours[j]):
            return False
        self.away[a] += (y[j] - x[i]) / shares[a]
        self.away[b] += (x[i] - y[j]) / shares[b]
        for group, part in ((mine[i], b), (yours[j], a)):
            if group < len(self.part_of):
                self.part_of[group] = part
        return True

    def _candidates(self, part: int) -> np.ndarray:
        """The groups of a part: of many those that hold most of some class, and as many at random."""
        groups = np.flatnonzero(self.part_of == part)
        if len(groups) > COMPARED:
            half = COMPARED // 2
            most = np.argpartition(self.held[groups], -half)[-half:]
            groups = groups[np.union1d(most, self.rng.choice(len(groups), half, replace=False))]
        return np.append(groups, len(self.part_of)) if self.may_move else groups

    def _would_empty(self, a: int, b: int, mine: int, yours: int) -> bool:
        nothing = len(self.part_of)
        last = [part for part, gives, gets in ((a, mine, yours), (b, yours, mine)) if gives != nothing == gets]
        return any(np.count_nonzero(self.part_of == part) == 1 for part in last)
