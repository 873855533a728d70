"""What the folds of a stage come to together: every image scored once, by weights that were not trained on it."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from prettytable import PrettyTable

from mmseg_custom.engine.history import BEST
from mmseg_custom.errors import StageError
from mmseg_custom.evaluation.bootstrap import Interval, areas_interval
from mmseg_custom.evaluation.scores import iou_per_class, scores_of
from mmseg_custom.fusion.weight_scorer import HELD_OUT
from mmseg_custom.io.files import write_json
from mmseg_custom.ledger.held_out_counts import HeldOutCounts, counts_file, read_counts
from mmseg_custom.ledger.stage_ledger import StageLedger

RESULT_FILE = 'out_of_fold.json'
SEEN_NOTE = '* these weights may have been trained on the images before: optimistically biased.'
CHOSEN_NOTE = '+ the best validation was chosen on these very images: optimistically biased; --select last is not.'
LEAK_NOTE = '! some images stand on both sides (--allow-leaks): optimistically biased.'


@dataclass(frozen=True)
class FoldScore:
    """One fold on its held-out images.

    Attributes:
        name: Of the run.
        images: Number of held-out images.
        position: Epoch or iteration of its weights.
        scores: In percent, from the confusion matrix over all of its images.
        monitor: The score of the config's own metric at that position.
        seen: Whether the weights may have been trained on the images.
    """

    name: str
    images: int
    position: float
    scores: dict[str, float]
    monitor: float
    seen: bool


@dataclass(frozen=True)
class OutOfFold:
    """All folds of a stage.

    Attributes:
        folds: Each for itself.
        monitor: The name of the config's own score.
        mean: Of the folds' mIoU.
        deviation: Its standard deviation over the folds (of the sample, divisor K - 1).
        pooled: The scores of the sum of all confusion matrices.
        interval: The 95 % bootstrap interval of the pooled mIoU over the images.
        per_class: IoU of each class in the pooled matrix, NaN where it does not occur.
        images: Number of images.
        notes: What is to be said about the numbers.
    """

    folds: list[FoldScore]
    monitor: str
    mean: float
    deviation: float
    pooled: dict[str, float]
    interval: Interval
    per_class: dict[str, float]
    images: int
    notes: list[str]


def read_out_of_fold(ledger: StageLedger, has_leaks: bool = False) -> OutOfFold:
    """Add up the finished runs of a stage.

    Args:
        ledger: Of the stage, all of whose runs are finished.
        has_leaks: Whether images stand on both sides of the folds.

    Raises:
        StageError: If none is finished, or one was not scored out of fold.
    """
    entries = ledger.entries(ledger.finished_runs())
    lacking = [name for name, entry in entries.items() if HELD_OUT not in entry]
    if lacking or not entries:
        raise StageError(f'{ledger.folder}: {", ".join(lacking) or "no run"} was scored on held-out images.')
    counts = {name: read_counts(counts_file(ledger.folder, name)) for name in entries}
    monitor = next(iter(entries.values()))['monitor']
    folds = [
        FoldScore(
            name,
            len(counts[name].paths),
            entry['best']['iter'],
            {key: entry[HELD_OUT][key] for key in ('mIoU', 'aAcc', 'mAcc')},
            entry['best'][monitor],
            entry['best']['seen'],
        )
        for name, entry in entries.items()
    ]
    pool = HeldOutCounts.together(list(counts.values()))
    matrix, areas = torch.from_numpy(pool.matrix), torch.from_numpy(pool.areas)
    classes = [key.removeprefix('IoU.') for key in next(iter(entries.values()))[HELD_OUT] if key.startswith('IoU.')]
    means = [fold.scores['mIoU'] for fold in folds]
    chosen = any(entry.get('select') == BEST for entry in entries.values())
    held = {SEEN_NOTE: any(fold.seen for fold in folds), CHOSEN_NOTE: chosen, LEAK_NOTE: has_leaks}
    return OutOfFold(
        folds,
        monitor,
        float(np.mean(means)),
        float(np.std(means, ddof=1)) if len(means) > 1 else float('nan'),
        scores_of(matrix),
        areas_interval(areas),
        dict(zip(classes, iou_per_class(matrix).tolist(), strict=True)),
        len(pool.paths),
        [note for note, holds in held.items() if holds],
    )


def write_out_of_fold(result: OutOfFold, ledger: StageLedger) -> None:
    """Keep the numbers as ``out_of_fold.json`` in the folder of the stage."""
    write_json(finite(asdict(result)), ledger.folder / RESULT_FILE)


def out_of_fold_table(result: OutOfFold) -> str:
    """The numbers as a text table: a line a fold, mean and deviation, all images together, each class."""
    mark = ''.join(note[0] for note in result.notes)
    own = [] if result.monitor == 'mIoU' else [result.monitor]
    table = PrettyTable(['fold', 'images', 'iteration', 'mIoU', 'aAcc', 'mAcc', *own])
    table.align = 'r'
    for position, fold in enumerate(result.folds):
        numbers = [*fold.scores.values(), *([fold.monitor] if own else [])]
        own_mark = mark if fold.seen else mark.replace(SEEN_NOTE[0], '')
        cells = [f'{number:.2f}{own_mark}' for number in numbers]
        table.add_row([fold.name, fold.images, fold.position, *cells], divider=position == len(result.folds) - 1)
    blank = [''] * len(own)
    table.add_row(['mean ± sd', '', '', f'{result.mean:.2f} ± {result.deviation:.2f}{mark}', '', '', *blank])
    pooled = [f'{result.pooled[key]:.2f}{mark}' for key in ('mIoU', 'aAcc', 'mAcc')]
    table.add_row(['all images', result.images, '', *pooled, *blank])
    low, high = result.interval
    lines = [
        table.get_string(),
        f'Out of fold: {result.pooled["mIoU"]:.2f}{mark} mIoU over {result.images} images, each predicted by the '
        f'fold that was not trained on it; 95 % interval over images {low:.2f} to {high:.2f}.',
        *result.notes,
        _per_class(result),
    ]
    return '\n'.join(lines)


def _per_class(result: OutOfFold) -> str:
    table = PrettyTable(['class', 'IoU out of fold'])
    table.align['class'], table.align['IoU out of fold'] = 'l', 'r'
    for name, value in result.per_class.items():
        table.add_row([name, 'does not occur' if np.isnan(value) else f'{value:.2f}'])
    return table.get_string()


def finite(value: Any) -> Any:
    """Plain data without NaN, which JSON has not: ``None`` in its place."""
    if isinstance(value, dict):
        return {key: finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [finite(entry) for entry in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
