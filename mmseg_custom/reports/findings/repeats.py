"""What the repeats of a recipe say together: mean and deviation over the seeds."""

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from prettytable import PrettyTable

from mmseg_custom.evaluation.score import ENSEMBLE
from mmseg_custom.io.files import PathLike
from mmseg_custom.reports.findings.recipe_record import RecipeRecord, ReportError, StageRecord, read_recipe
from mmseg_custom.reports.findings.statistics import mean_and_deviation

FOLDER = re.compile(r'seed(\d+)')
WINNER = 'winner'
TITLES = ('stage', 'model', 'seeds', 'mean mIoU on val', 'deviation', 'each')


class Spread(NamedTuple):
    """The mIoU on val of one candidate of a stage, or of its winner, in every repeat that has it."""

    stage: int
    name: str
    scores: list[float]


def read_repeats(folder: PathLike) -> list[RecipeRecord]:
    """Read a recipe and its repeats with other seeds, as far as they have started.

    Args:
        folder: ``work_dirs/<recipe>``; the repeats are in ``seed<S>`` in it.
    """
    matches = [(FOLDER.fullmatch(path.name), path) for path in Path(folder).glob('seed*')]
    others = sorted((int(match[1]), path) for match, path in matches if match)
    records = []
    for path in [Path(folder), *(path for _, path in others)]:
        with suppress(ReportError):
            records.append(read_recipe(path))
    return records


def seeds_of(records: Sequence[RecipeRecord]) -> list[str]:
    """The seeds of repeats."""
    return [', '.join(sorted({str(entry['seed']) for _, _, entry in record.runs})) for record in records]


def spreads(records: Sequence[RecipeRecord]) -> list[Spread]:
    """The winner and every candidate of each stage over the repeats."""
    numbers = sorted({stage.number for record in records for stage in record.fused})
    fused = {number: [s for record in records for s in record.fused if s.number == number] for number in numbers}
    scores = {number: [_scores(stage) for stage in stages] for number, stages in fused.items()}
    return [
        Spread(number, name, [one[name] for one in found if name in one])
        for number, found in scores.items()
        for name in dict.fromkeys(name for one in found for name in one)
    ]


def winners_of(records: Sequence[RecipeRecord]) -> list[Spread]:
    """The winner of each stage over the repeats; none as long as no stage has a second one."""
    winners = [spread for spread in spreads(records) if spread.name == WINNER]
    return winners if any(len(spread.scores) > 1 for spread in winners) else []


def _scores(stage: StageRecord) -> dict[str, float]:
    ensemble = {ENSEMBLE: stage.outcome[ENSEMBLE]} if ENSEMBLE in stage.outcome else {}
    candidates = stage.candidates if len(stage.candidates) > 1 else {}
    entries = {WINNER: stage.winner, **candidates, **ensemble}
    return {name: entry['val']['mIoU'] for name, entry in entries.items()}


def repeat_rows(records: Sequence[RecipeRecord]) -> list[list[str]]:
    """A row for each winner and candidate under :data:`TITLES`; the deviation is that of a sample (n - 1)."""
    return [_row(spread) for spread in spreads(records)]


def repeats_facts(records: Sequence[RecipeRecord]) -> dict[str, Any] | None:
    """What the page says of repeats, ``None`` as long as no stage has a second winner."""
    winners = winners_of(records)
    if not winners:
        return None
    stage, _, scores = [spread for spread in winners if len(spread.scores) > 1][-1]
    mean, deviation = mean_and_deviation(scores)
    said = f'Over {len(scores)} seeds the winner of stage {stage} reaches {mean:.2f} ± {deviation:.2f} mIoU on val.'
    return {'sentence': said, 'seeds': ', '.join(seeds_of(records)), 'titles': TITLES, 'rows': repeat_rows(records)}


def _row(spread: Spread) -> list[str]:
    mean, deviation = mean_and_deviation(spread.scores)
    shown = f'{deviation:.2f}' if len(spread.scores) > 1 else ''
    each = ', '.join(f'{score:.2f}' for score in spread.scores)
    return [str(spread.stage), spread.name, str(len(spread.scores)), f'{mean:.2f}', shown, each]


def repeats_table(records: Sequence[RecipeRecord]) -> str:
    """A text table of the repeats, stage by stage."""
    table = PrettyTable(list(TITLES))
    table.align, table.align['model'], table.align['each'] = 'r', 'l', 'l'
    rows = repeat_rows(records)
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        table.add_row(row, divider=following is None or following[0] != row[0])
    return f'{table.get_string()}\nseeds: {", ".join(seeds_of(records))}'
