"""How unsure several networks are of a pixel together, and whether that finds their errors.

The entropy of the mean of their probabilities has two parts: the mean of their entropies, which is how unsure each
is, and the mutual information, which is how far they disagree (Depeweg et al. 2018, https://arxiv.org/abs/1710.07283).
"""

import math
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

BINS = 2048
POWER = 0.25  # Bins are even in this power of a score: most pixels are nearly sure.


class Disagreement:
    """The mutual information of networks that are added one after another.

    Attributes:
        mean: Of the probabilities added so far, (..., C, H, W); the C classes are the third last dimension.
    """

    def __init__(self) -> None:
        self.members = 0
        self._total: Tensor | None = None
        self._entropies: Tensor | None = None

    def add(self, probabilities: Tensor) -> None:
        """Add a network's probabilities, (..., C, H, W)."""
        entropies = entropy(probabilities)
        self.members += 1
        self._total = probabilities.clone() if self._total is None else self._total.add_(probabilities)
        self._entropies = entropies if self._entropies is None else self._entropies.add_(entropies)

    @property
    def mean(self) -> Tensor:
        """The mean probabilities."""
        assert self._total is not None
        return self._total / self.members

    def mutual_information(self) -> Tensor:
        """How far they disagree, (..., H, W): 0 where all say the same, 1 where each is sure of another class."""
        assert self._entropies is not None
        most = math.log(min(self.members, self.mean.shape[-3])) or 1.0
        return ((entropy(self.mean) - self._entropies / self.members) / most).clamp(0, 1)


def entropy(probabilities: Tensor) -> Tensor:
    """The entropy of (..., C, H, W) over the classes, in nats, (..., H, W)."""
    return torch.special.entr(probabilities).sum(-3)


@dataclass
class ErrorRanking:
    """How well a score ranks wrong pixels above right ones, counted in bins.

    Attributes:
        counts: Right pixels and wrong ones in each bin, int64 (2, B).
    """

    counts: np.ndarray = field(default_factory=lambda: np.zeros((2, BINS), np.int64))

    def add(self, scores: Tensor, wrong: Tensor) -> None:
        """Add pixels.

        Args:
            scores: 0 to 1, the higher the more unsure.
            wrong: Whether each is wrong, bool of the same shape.
        """
        bins = (scores.float().clamp(0, 1) ** POWER * BINS).long().clamp_max(BINS - 1)
        counted = torch.bincount((bins + BINS * wrong.long()).flatten(), minlength=2 * BINS)
        self.counts += counted.view(2, BINS).numpy(force=True)

    def auroc(self) -> float:
        """The chance that a wrong pixel has a higher score than a right one, ties half; NaN if there are none."""
        right, wrong = self.counts.astype(np.float64)
        pairs = right.sum() * wrong.sum()
        below = np.cumsum(right) - right
        return float((wrong * (below + right / 2)).sum() / pairs) if pairs else math.nan
