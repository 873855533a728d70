"""What the folds of a stage come to together: every image scored once, by weights that were not trained on it."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mmseg_custom.io.files import read_json
from mmseg_custom.ledger.stage_ledger import StageLedger

RESULT_FILE, TABLE_FILE = 'out_of_fold.json', 'out_of_fold.csv'
SCORES = ('mIoU', 'aAcc', 'mAcc')
IOU = 'IoU.'
SEEN_NOTE = '* these weights may have been trained on the images before: optimistically biased.'
CHOSEN_NOTE = (
    '+ the best validation was chosen on these very images: optimistically biased; --select last or inner is not.'
)
LEAK_NOTE = '! some images stand on both sides (--allow-leaks): optimistically biased.'

Scores = dict[str, float]


@dataclass(frozen=True)
class FoldScore:
    """One fold on its held-out images.

    Attributes:
        name: Of the run.
        images: Number of held-out images.
        position: Epoch or iteration of its weights.
        scores: mIoU, aAcc, mAcc and the IoU of each class (``IoU.<class>``), in percent, from the confusion matrix
            over all of its images; NaN for a class that does not occur in them.
        monitor: The score of the config's own metric at that position.
        seen: Whether the weights may have been trained on the images.
    """

    name: str
    images: int
    position: float
    scores: Scores
    monitor: float
    seen: bool


@dataclass(frozen=True)
class OutOfFold:
    """All folds of a stage; the scores have the names that those of a fold have.

    Attributes:
        folds: Each for itself.
        monitor: The name of the config's own score.
        unit: ``'epoch'`` or ``'iteration'``: what positions count in.
        mean: Over the folds; of a class, over those that it occurs in.
        deviation: The standard deviation over the same (of a sample, divisor n - 1).
        pooled: From the sum of all confusion matrices.
        intervals: The 95 % bootstrap intervals of the pooled mIoU and IoU.
        resampled: What was drawn for them: ``'images'``, or ``'groups'`` where the folds are made of whole groups.
        draws_of: How many of these there are.
        images: Number of images.
        weights: Of each run, their checksum in the ledger.
        notes: What is to be said about the numbers.
    """

    folds: list[FoldScore]
    monitor: str
    unit: str
    mean: Scores
    deviation: Scores
    pooled: Scores
    intervals: dict[str, tuple[float, float]]
    resampled: str
    draws_of: int
    images: int
    weights: dict[str, str]
    notes: list[str]

    @property
    def classes(self) -> list[str]:
        """The names of the classes."""
        return [key.removeprefix(IOU) for key in self.pooled if key.startswith(IOU)]

    def mark(self, seen: bool = True) -> str:
        """The signs of the notes, behind every number they are about; without that of seen images if not ``seen``."""
        return ''.join(note[0] for note in self.notes if seen or note != SEEN_NOTE)

    @property
    def sentence(self) -> str:
        """The pooled score in words."""
        low, high = self.intervals['mIoU']
        mark, miou = self.mark(), self.pooled['mIoU']
        drawn = self.resampled if self.resampled == 'images' else f'its {self.draws_of} {self.resampled}'
        return (
            f'Out of fold: {miou:.2f}{mark} mIoU over {self.images} images, each predicted by the fold that was not '
            f'trained on it; 95 % interval over {drawn} {low:.2f} to {high:.2f}.'
        )

    def as_data(self) -> dict[str, Any]:
        """As JSON has it: ``None`` for NaN."""
        return without_nan(asdict(self))


def read_out_of_fold(ledger: StageLedger) -> OutOfFold | None:
    """Read what a complete stage came to; ``None`` if that is not there, damaged, or of other weights by now."""
    try:
        found = read_json(ledger.folder / RESULT_FILE)
        folds = [FoldScore(**{**fold, 'scores': _with_nan(fold['scores'])}) for fold in found['folds']]
        numbers = {key: _with_nan(found[key]) for key in ('mean', 'deviation', 'pooled')}
        intervals = {key: (_number(low), _number(high)) for key, (low, high) in found['intervals'].items()}
        result = OutOfFold(**{**found, **numbers, 'folds': folds, 'intervals': intervals})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    entries = ledger.entries(ledger.finished_runs())
    return result if {name: entry['weights'] for name, entry in entries.items()} == result.weights else None


def without_nan(value: Any) -> Any:
    """Plain data without NaN, which JSON has not: ``None`` in its place."""
    if isinstance(value, dict):
        return {key: without_nan(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _with_nan(scores: Mapping[str, float | None]) -> Scores:
    return {key: _number(value) for key, value in scores.items()}


def _number(value: float | None) -> float:
    return math.nan if value is None else value
