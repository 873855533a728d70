"""What the ledgers of a recipe say, read once."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmseg_custom.averaging import fold_order
from mmseg_custom.engine.history import BEST, MONITOR
from mmseg_custom.errors import StageError, UserError
from mmseg_custom.fold_settings import INNER
from mmseg_custom.fusion.weight_scorer import HELD_OUT, VAL
from mmseg_custom.io.files import PathLike
from mmseg_custom.ledger.lineage import has_seen
from mmseg_custom.ledger.run_folder import stage_folder
from mmseg_custom.ledger.stage_ledger import Entry, StageLedger, names_of_runs
from mmseg_custom.ledger.trained_config import trained_options
from mmseg_custom.options import OptionError
from mmseg_custom.plan.early_stop import ended_by
from mmseg_custom.plan.plan import Plan
from mmseg_custom.reports.findings.out_of_fold import OutOfFold, read_out_of_fold
from mmseg_custom.reports.findings.training_length import EPOCH, length, unit_of

IOU_PREFIX = 'IoU.'
VAL_SPLIT = {'split': 'val'}


class ReportError(UserError, ValueError):
    """A report that cannot be made; the message says what is missing."""


@dataclass(frozen=True)
class StageRecord:
    """What is known of a stage.

    Attributes:
        number: Its number.
        folder: Its folder.
        runs: The records of its finished runs, in fold order.
        missing: The names of its runs that have not finished.
        outcome: Candidates and winner, ``None`` until it is fused.
        start: Epochs or iterations of the stages before it.
        unit: ``'epoch'`` or ``'iteration'``: what the recipe counts in.
        out_of_fold: What its folds come to on all images together, if that was added up.
    """

    number: int
    folder: Path
    runs: dict[str, Entry]
    missing: list[str]
    outcome: Entry | None
    start: int
    unit: str = EPOCH
    out_of_fold: OutOfFold | None = None

    @property
    def length(self) -> int:
        """That of its longest run, in epochs or in iterations."""
        return max((length(entry, self.unit) for entry in self.runs.values()), default=0)

    @property
    def candidates(self) -> dict[str, Entry]:
        """Its candidates by name, none until it is fused."""
        return self.outcome['candidates'] if self.outcome else {}

    @property
    def winner(self) -> Entry | None:
        """The record of the winning candidate."""
        return self.candidates[self.outcome['winner']] if self.outcome else None

    @property
    def val_seen(self) -> bool:
        """Whether the winner's weights have been trained on images of the official val split."""
        winner = self.winner
        return bool(winner) and winner.get('seen', has_seen(winner['lineage']['seen'], VAL_SPLIT))


@dataclass(frozen=True)
class RecipeRecord:
    """A recipe's folder and its stages, in order."""

    folder: Path
    stages: list[StageRecord]

    @property
    def fused(self) -> list[StageRecord]:
        """The stages that have a winner."""
        return [stage for stage in self.stages if stage.outcome]

    @property
    def runs(self) -> list[tuple[StageRecord, str, Entry]]:
        """Every finished run: its stage, name and record."""
        return [(stage, name, entry) for stage in self.stages for name, entry in stage.runs.items()]

    @property
    def options(self) -> dict[str, Any]:
        """The overrides that the last of them was trained with."""
        return trained_options(self.runs[-1][-1])

    @property
    def unit(self) -> str:
        """What it counts in: ``'epoch'`` or ``'iteration'``."""
        return self.stages[0].unit

    @property
    def monitor(self) -> str:
        """The score that its runs are watched by."""
        return self.runs[-1][-1].get('monitor', MONITOR)

    @property
    def out_of_fold(self) -> OutOfFold | None:
        """What the folds of its last complete stage come to together."""
        return next((stage.out_of_fold for stage in reversed(self.stages) if stage.out_of_fold), None)

    @property
    def has_val(self) -> bool:
        """Whether its runs are scored on images that none of them was trained on."""
        return any(VAL in entry for _, _, entry in self.runs)

    @property
    def selects_best(self) -> bool:
        """Whether a run keeps the weights of its best validation, not of its last one."""
        return any(entry.get('select', BEST) == BEST for _, _, entry in self.runs)

    @property
    def selects_inner(self) -> bool:
        """Whether a run validates on an inner part of its fold, and keeps the best weights there."""
        return any(entry.get('select') == INNER for _, _, entry in self.runs)

    @property
    def validated_on(self) -> str:
        """What the curves of runs are of."""
        return 'inner part' if self.selects_inner else 'held-out fold'

    @property
    def seen(self) -> bool:
        """Whether a run was scored on images that its weights had been trained on in an earlier stage."""
        return any(entry['best']['seen'] for _, _, entry in self.runs)

    @property
    def chosen_on_val(self) -> bool:
        """Whether a winner was chosen on the official val split."""
        return any(stage.outcome.get('selected_on', 'val') == 'val' for stage in self.fused)

    @property
    def ended_by(self) -> StageRecord | None:
        """The stage that had no significant gain and ended the plan."""
        end = ended_by({stage.number: stage.outcome for stage in self.stages})
        return next((stage for stage in self.stages if stage.number == end), None)

    @property
    def classes(self) -> list[str]:
        """The names of the classes, as far as a score names them."""
        return list(class_scores(self.fused[-1].winner['val'])) if self.fused else []


def held_out_scores(entry: Entry) -> Mapping[str, float]:
    """What the kept weights of a run score on its held-out images."""
    return entry.get(HELD_OUT, entry['best'])


def class_scores(scores: Mapping[str, float]) -> dict[str, float]:
    """The IoU of every class among the scores of a ledger entry; NaN for a class that does not occur."""
    found = {key: value for key, value in scores.items() if key.startswith(IOU_PREFIX)}
    return {key.removeprefix(IOU_PREFIX): value for key, value in found.items()}


def val_interval(entry: Entry) -> tuple[float, float]:
    """The 95 % interval of a candidate's mIoU on val, NaN where it is not known."""
    return tuple(entry.get('interval', {}).get('val', (math.nan, math.nan)))


def read_recipe(folder: PathLike) -> RecipeRecord:
    """Read the ledgers in a recipe's folder; stages of its plan that have not started count as missing.

    Args:
        folder: ``work_dirs/<recipe>``.

    Raises:
        ReportError: If it holds no finished run.
    """
    folder = Path(folder)
    matches = [(re.fullmatch(r'stage(\d+)', path.name), path) for path in folder.glob('stage*')]
    ledgers = {int(match[1]): StageLedger(path) for match, path in matches if match}
    runs = {number: ledger.entries(ledger.finished_runs()) for number, ledger in sorted(ledgers.items())}
    if not any(runs.values()):
        raise ReportError(
            f'{folder} holds no finished run (stage<S>/fold<K>.json): name the folder of a recipe under work_dirs.'
        )
    return RecipeRecord(folder, _stages(folder, runs))


def _stages(folder: Path, runs: dict[int, dict[str, Entry]]) -> list[StageRecord]:
    expected = {**_planned(runs), **{number: _run_names(entries) for number, entries in runs.items() if entries}}
    stages: list[StageRecord] = []
    unit = unit_of(entry for entries in runs.values() for entry in entries.values())
    for number in sorted(expected):
        entries, ledger = runs.get(number, {}), StageLedger(stage_folder(folder, number))
        missing = sorted(set(expected[number]) - set(entries), key=fold_order)
        start = stages[-1].start + stages[-1].length if stages else 0
        kept = (ledger.outcome(), start, unit, read_out_of_fold(ledger))
        stages.append(StageRecord(number, ledger.folder, entries, missing, *kept))
    return stages


def _run_names(entries: dict[str, Entry]) -> list[str]:
    return names_of_runs(next(iter(entries.values()))['num_folds'])


def _planned(runs: dict[int, dict[str, Entry]]) -> dict[int, list[str]]:
    """The runs of every stage of the plan, as far as its configs are still there."""
    first = next(entry for entries in runs.values() for entry in entries.values())
    try:
        plan = Plan.around(first['config'], trained_options(first)) if first['config'] else None
    except (StageError, OptionError):
        return {}
    return {stage.number: stage.run_names for stage in plan.stages} if plan else {}
