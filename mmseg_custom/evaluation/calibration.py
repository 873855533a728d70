"""How far probabilities are from frequencies, and the temperature that brings them closest: Guo et al. 2017.

https://arxiv.org/abs/1706.04599. Pixels are counted in bins for every temperature of a grid, so that images can be
added one by one and none is kept.
"""

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

OCTAVE = 8  # Steps from a temperature to twice of it.
TEMPERATURES = 2.0 ** (np.arange(-8, 25) / OCTAVE)  # 0.5 to 8 in steps of 9 %; 1 is among them.
ONE = 8  # Where it is.
BINS = 15  # As in the paper.
MOST_PIXELS = 2**14  # Of an image that are looked at: neighbours say the same.


@dataclass(frozen=True)
class CalibrationCounts:
    """Counts of labelled pixels at each of the T temperatures, in B bins of the probability of the predicted class.

    Attributes:
        nll: The sum of the negative log-likelihood of the given class, float64 (T,).
        pixels: Their number, int64 (T, B).
        right: How many of them are predicted as they are labelled, int64 (T, B).
        confidence: The sum of the probability of their predicted class, float64 (T, B).
    """

    nll: np.ndarray
    pixels: np.ndarray
    right: np.ndarray
    confidence: np.ndarray

    @classmethod
    def of(cls, logits: Tensor, label: Tensor, most: int = MOST_PIXELS) -> 'CalibrationCounts':
        """Count the pixels of an image.

        Args:
            logits: (C, H, W).
            label: (H, W); what is no class does not count.
            most: Every n-th labelled pixel is taken, so that there are at most so many.
        """
        flat = label.flatten()
        known = ((flat >= 0) & (flat < logits.shape[0])).nonzero()[:, 0]
        known = known[:: max(1, -(-len(known) // most))]
        scores, given = logits.flatten(1)[:, known].double(), flat[known].long()[None]
        largest, predicted = scores.max(0)
        scores -= largest
        totals = _totals(scores)
        confidence, temperatures = 1 / totals, torch.from_numpy(TEMPERATURES)[:, None].to(totals.device)
        cells = (confidence * BINS).long().clamp_max(BINS - 1)
        cells += BINS * torch.arange(len(TEMPERATURES), device=cells.device)[:, None]
        nll = totals.log().sum(1) - (scores.gather(0, given) / temperatures).sum(1)
        counted = (_sum_cells(cells), _sum_cells(cells[:, predicted == given[0]]), _sum_cells(cells, confidence))
        return cls(*(one.numpy(force=True) for one in (nll, *counted)))

    @classmethod
    def total(cls, counts: Iterable['CalibrationCounts']) -> 'CalibrationCounts':
        """The sum of some counts."""
        shape = len(TEMPERATURES), BINS
        total = cls(np.zeros(shape[0]), np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape))
        for one in counts:
            for name, value in vars(total).items():
                value += getattr(one, name)
        return total

    def best(self) -> int:
        """The number of the temperature at which the labels are most likely."""
        return int(self.nll.argmin())

    def to_bytes(self) -> bytes:
        """As an ``.npz`` file."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **vars(self))
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> 'CalibrationCounts':
        """Read what :meth:`to_bytes` gives."""
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return cls(**dict(arrays))


@dataclass(frozen=True)
class Bins:
    """A reliability diagram.

    Attributes:
        pixels: Number of pixels in each bin, (B,).
        right: How many of them are right, (B,).
        confidence: The sum of their probabilities, (B,).
        nll: The sum of their negative log-likelihood.
    """

    pixels: np.ndarray
    right: np.ndarray
    confidence: np.ndarray
    nll: float

    @classmethod
    def of(cls, counts: Iterable[tuple[CalibrationCounts, int]]) -> 'Bins':
        """The sum of counts, each at the temperature of a number."""
        rows = [(one.pixels[at], one.right[at], one.confidence[at], one.nll[at]) for one, at in counts]
        pixels, right, confidence, nll = (np.sum(column, axis=0) for column in zip(*rows, strict=True))
        return cls(pixels, right, confidence, float(nll))

    @property
    def ece(self) -> float:
        """The expected calibration error in percent: |accuracy - confidence| of a bin, the mean over the pixels."""
        return float(100 * np.abs(self.right - self.confidence).sum() / max(self.pixels.sum(), 1))

    @property
    def mean_nll(self) -> float:
        """The negative log-likelihood of a pixel, in nats."""
        return self.nll / max(int(self.pixels.sum()), 1)


@dataclass(frozen=True)
class Calibration:
    """What a temperature does.

    Attributes:
        temperature: That of all folds together; the logits are divided by it.
        before: At temperature 1.
        after: Each fold's images at the temperature of the other folds, which has not seen them.
        of_folds: The temperature of each fold's images alone.
    """

    temperature: float
    before: Bins
    after: Bins
    of_folds: dict[str, float]


def calibrate(by_fold: Mapping[str, CalibrationCounts]) -> Calibration:
    """Find the temperature, and what it does to images that it was not chosen on.

    Args:
        by_fold: The counts of the images that each fold has predicted.
    """
    total = CalibrationCounts.total(by_fold.values())
    others = {fold: CalibrationCounts.total(one for name, one in by_fold.items() if name != fold) for fold in by_fold}
    after = [(one, (others[fold] if len(by_fold) > 1 else total).best()) for fold, one in by_fold.items()]
    return Calibration(
        float(TEMPERATURES[total.best()]),
        Bins.of([(total, ONE)]),
        Bins.of(after),
        {fold: float(TEMPERATURES[one.best()]) for fold, one in by_fold.items()},
    )


def _totals(scores: Tensor) -> Tensor:
    """The sum of exp(scores / temperature) of a pixel's classes, (T, N).

    Half a temperature squares the exponentials: only those of the highest ones are computed.

    Args:
        scores: Of the classes, the largest of each pixel 0, (C, N).
    """
    totals = scores.new_empty(len(TEMPERATURES), scores.shape[1])
    for highest in range(len(TEMPERATURES) - OCTAVE, len(TEMPERATURES)):
        powers = (scores / TEMPERATURES[highest]).exp_()
        for at in range(highest, -1, -OCTAVE):
            totals[at] = powers.sum(0)
            powers.square_()
    return totals


def _sum_cells(cells: Tensor, weights: Tensor | None = None) -> Tensor:
    """The number of pixels in each bin, or the sum of their weights, (T, B)."""
    weights = None if weights is None else weights.flatten()
    return torch.bincount(cells.flatten(), weights, len(TEMPERATURES) * BINS).view(len(TEMPERATURES), BINS)
