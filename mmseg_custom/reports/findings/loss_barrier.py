"""The path from what a stage started with to the average of its folds, and whether a loss barrier lies on it."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from mmseg_custom.averaging.mixtures import INITIAL
from mmseg_custom.reports.findings.recipe_record import StageRecord, val_interval

POINT = re.compile(r'path_(?P<t>[-+.e\d]+?)(?P<suffix>_bn)?')
NO_LOSS_BARRIER = 'no loss barrier'
# The plain points, and those with batch norm statistics measured anew.
SUFFIXES = ('', '_bn')


@dataclass(frozen=True)
class WeightPath:
    """The scores along a path.

    Attributes:
        stage: The number of its stage.
        recalibrated: Whether batch norm statistics were measured anew at every point but the initial weights.
        points: Position (0 the initial weights, 1 the average of all folds) and mIoU on val.
        band: The lower and upper end of the 95 % interval at every point, NaN where it is not known.
    """

    stage: int
    recalibrated: bool
    points: Sequence[tuple[float, float]]
    band: Sequence[tuple[float, float]]

    @property
    def name(self) -> str:
        """How a legend calls it."""
        return f'stage {self.stage}' + (', batch norm anew' if self.recalibrated else '')

    @property
    def drop(self) -> float:
        """How far the lowest score between the ends is below both, in points; NaN if one of them was not scored."""
        ends, between = self._ends(), self._between()
        return max(min(ends) - min(between)[0], 0.0) if len(ends) == 2 and between else math.nan

    @property
    def is_sure(self) -> bool:
        """Whether the interval of that lowest score is below both ends, too; ``True`` where it is not known."""
        high = min(self._between())[1]
        return math.isnan(high) or high < min(self._ends())

    @property
    def verdict(self) -> str:
        """Whether a loss barrier lies between the ends, in words."""
        if math.isnan(self.drop):
            return 'not enough points to tell'
        if not self.drop:
            return NO_LOSS_BARRIER
        verdict = 'a loss barrier' if self.is_sure else 'no sure loss barrier, but a dip'
        return f'{verdict} of {self.drop:.1f} points'

    def _ends(self) -> list[float]:
        return [score for t, score in self.points if t in (0, 1)]

    def _between(self) -> list[tuple[float, float]]:
        pairs = zip(self.points, self.band, strict=True)
        return [(score, high) for (t, score), (_, high) in pairs if 0 < t < 1]


def find_paths(stage: StageRecord) -> list[WeightPath]:
    """The paths among the candidates of a stage, from its initial weights to the average of its folds and beyond."""
    return [path for suffix in SUFFIXES if (path := _path(stage, suffix)) is not None]


def describe_loss_barriers(paths: Sequence[WeightPath]) -> str:
    """Whether there are loss barriers, in a few words."""
    verdicts = {path.verdict for path in paths}
    if len(verdicts) == 1:
        return verdicts.pop()
    stages = sorted({path.stage for path in paths if path.drop > 0 and path.is_sure})
    named = f'stage{"s" if len(stages) > 1 else ""} {", ".join(map(str, stages))}'
    return f'a loss barrier in {named}' if stages else 'no sure loss barrier'


def is_on_path(name: str) -> bool:
    """Whether a candidate's name is that of a point of a path."""
    return POINT.fullmatch(name) is not None


def _path(stage: StageRecord, suffix: str) -> WeightPath | None:
    matches = [(POINT.fullmatch(name), entry) for name, entry in stage.candidates.items()]
    entries = {float(match['t']): entry for match, entry in matches if match and (match['suffix'] or '') == suffix}
    if not entries:
        return None
    ends = {0.0: stage.outcome.get(INITIAL), 1.0: stage.candidates.get(f'all_folds{suffix}')}
    entries = {**{t: entry for t, entry in ends.items() if entry}, **entries}
    return WeightPath(
        stage.number,
        bool(suffix),
        [(t, entries[t]['val']['mIoU']) for t in sorted(entries)],
        [val_interval(entries[t]) for t in sorted(entries)],
    )
