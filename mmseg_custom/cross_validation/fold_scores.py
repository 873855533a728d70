"""From the finished folds of a stage to one score out of fold: added up, kept as JSON and CSV, told as a table."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from prettytable import PrettyTable
from torch import Tensor

from mmseg_custom.engine.history import BEST, MONITOR
from mmseg_custom.errors import StageError
from mmseg_custom.evaluation.bootstrap import area_intervals
from mmseg_custom.evaluation.scores import iou_per_class, scores_of
from mmseg_custom.fold_settings import INNER
from mmseg_custom.fusion.weight_scorer import HELD_OUT
from mmseg_custom.io.files import write_csv, write_json
from mmseg_custom.ledger.held_out_counts import HeldOutCounts, counts_file, read_counts
from mmseg_custom.ledger.stage_ledger import Entry, StageLedger
from mmseg_custom.reports.findings.out_of_fold import (
    CHOSEN_NOTE,
    IOU,
    LEAK_NOTE,
    RESULT_FILE,
    SCORES,
    SEEN_NOTE,
    TABLE_FILE,
    FoldScore,
    OutOfFold,
    Scores,
)
from mmseg_custom.reports.findings.out_of_fold_tables import Table, class_table, fold_table
from mmseg_custom.reports.findings.statistics import mean_and_deviation
from mmseg_custom.reports.findings.training_length import position, unit_of


def add_up_folds(ledger: StageLedger, groups: Mapping[str, str] | None = None, has_leaks: bool = False) -> OutOfFold:
    """Add up the finished runs of a stage.

    Args:
        ledger: Of the stage, all of whose runs are finished.
        groups: The group of each image by its path, where the folds are made of whole groups.
        has_leaks: Whether images stand on both sides of the folds.

    Raises:
        StageError: If none is finished, or one was not scored out of fold.
    """
    entries = ledger.entries(ledger.finished_runs())
    lacking = [name for name, entry in entries.items() if HELD_OUT not in entry]
    if lacking or not entries:
        raise StageError(f'{ledger.folder}: {", ".join(lacking) or "no run"} was scored on held-out images.')
    counts = {name: read_counts(counts_file(ledger.folder, name)) for name in entries}
    unit = unit_of(entries.values())
    folds = [_fold_score(name, entry, counts[name], unit) for name, entry in entries.items()]
    pool = HeldOutCounts.together(list(counts.values()))
    classes = [key for key in folds[0].scores if key.startswith(IOU)]
    drawn = None if groups is None else [groups[path] for path in pool.paths]
    miou, per_class = area_intervals(torch.from_numpy(pool.areas), drawn)
    spreads = {key: mean_and_deviation([fold.scores[key] for fold in folds]) for key in folds[0].scores}
    return OutOfFold(
        folds=folds,
        monitor=_monitor(next(iter(entries.values()))),
        unit=unit,
        mean={key: mean for key, (mean, _) in spreads.items()},
        deviation={key: deviation for key, (_, deviation) in spreads.items()},
        pooled=_scores(torch.from_numpy(pool.matrix), classes),
        intervals={'mIoU': miou, **dict(zip(classes, per_class, strict=True))},
        resampled='images' if drawn is None else 'groups',
        draws_of=len(pool.paths) if drawn is None else len(set(drawn)),
        images=len(pool.paths),
        weights={name: entry['weights'] for name, entry in entries.items()},
        notes=_notes(entries, has_leaks),
    )


def _monitor(entry: Entry) -> str:
    """The score that is shown besides; that of an inner part is not one of held-out images."""
    return MONITOR if entry.get('select') == INNER else entry['monitor']


def _fold_score(name: str, entry: Entry, counts: HeldOutCounts, unit: str) -> FoldScore:
    best, classes = entry['best'], [key for key in entry[HELD_OUT] if key.startswith(IOU)]
    scores = _scores(torch.from_numpy(counts.matrix), classes)
    return FoldScore(name, len(counts.paths), position(best, unit), scores, best[entry['monitor']], best['seen'])


def _scores(matrix: Tensor, classes: list[str]) -> Scores:
    found = scores_of(matrix)
    return {key: found[key] for key in SCORES} | dict(zip(classes, iou_per_class(matrix).tolist(), strict=True))


def _notes(entries: Mapping[str, Entry], has_leaks: bool) -> list[str]:
    seen = any(entry['best']['seen'] for entry in entries.values())
    chosen = any(entry.get('select') == BEST for entry in entries.values())
    held = {SEEN_NOTE: seen, CHOSEN_NOTE: chosen, LEAK_NOTE: has_leaks}
    return [note for note, holds in held.items() if holds]


def write_out_of_fold(result: OutOfFold, ledger: StageLedger) -> None:
    """Keep the numbers as ``out_of_fold.json`` and ``out_of_fold.csv`` in the folder of the stage."""
    write_json(result.as_data(), ledger.folder / RESULT_FILE)
    write_csv(['fold', *SCORES, *result.classes], csv_rows(result), ledger.folder / TABLE_FILE)


def csv_rows(result: OutOfFold) -> Iterator[list[Any]]:
    """A row a fold, and ``mean``, ``deviation`` and ``pooled``; a column a score; nothing for what does not occur."""
    rows = {fold.name: fold.scores for fold in result.folds}
    rows |= {'mean': result.mean, 'deviation': result.deviation, 'pooled': result.pooled}
    for name, scores in rows.items():
        yield [name, *(None if math.isnan(score) else score for score in scores.values())]


def out_of_fold_table(result: OutOfFold) -> str:
    """The numbers as text: a line a fold, mean and deviation, all images together, each class."""
    return '\n'.join([_as_text(fold_table(result)), result.sentence, *result.notes, _as_text(class_table(result))])


def _as_text(table: Table) -> str:
    text = PrettyTable(table.titles)
    text.align = 'r'
    text.align['class'] = 'l'
    for number, row in enumerate(table.rows, start=1):
        text.add_row(row, divider=number == len(table.rows) - table.summary)
    return text.get_string()
