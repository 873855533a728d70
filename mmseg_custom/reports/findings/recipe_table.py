"""The table of a recipe: every stage, fold and candidate."""

from collections.abc import Mapping, Sequence

from prettytable import PrettyTable

from mmseg_custom.engine.history import BEST
from mmseg_custom.evaluation.score import ENSEMBLE
from mmseg_custom.fusion.fuse_stage import may_equal_winner
from mmseg_custom.fusion.gain import no_significant_gain
from mmseg_custom.fusion.weight_scorer import HELD_OUT
from mmseg_custom.ledger.stage_ledger import Entry, StageLedger
from mmseg_custom.plan.early_stop import ended_by, explain_not_run
from mmseg_custom.reports.findings.training_length import length, position, unit_of

TITLES = ('stage', 'model', 'epochs', 'best', 'mIoU on held-out fold', 'mIoU on val', '95 % interval', '')
UPPER_BOUND = 'upper bound: all side by side'
MAY_EQUAL = '≈ winner'
NO_GAIN = 'winner, no significant gain'
EQUAL_NOTE = f'{MAY_EQUAL}: the difference to the winner, image by image, may as well be 0.'
SEEN_NOTE = '* the weights may have been trained on these images before: this score is optimistically biased.'


def recipe_table(ledgers: Mapping[int, StageLedger]) -> str:
    """A text table of what is in the ledgers of a recipe, stage by stage.

    Args:
        ledgers: By stage number.
    """
    entries = [entry for ledger in ledgers.values() for entry in _entries(ledger).values()]
    table = PrettyTable(titles(entries))
    table.align, table.align['model'] = 'r', 'l'
    for rows in stage_rows(ledgers):
        for number, row in enumerate(rows, start=1):
            table.add_row(row, divider=number == len(rows))
    seen = any(entry['best']['seen'] for entry in entries)
    equal = any(row[-1] == MAY_EQUAL for row in table.rows)
    notes = [note for note, holds in ((SEEN_NOTE, seen), (EQUAL_NOTE, equal)) if holds]
    return '\n'.join([table.get_string(), *notes])


def titles(entries: Sequence[Entry]) -> list[str]:
    """The titles of the columns: what the runs count in, and whether they kept their best weights or their last."""
    kept = 'best' if any(entry.get('select', BEST) == BEST for entry in entries) else 'kept'
    return ['stage', 'model', f'{unit_of(entries)}s', kept, *TITLES[4:]]


def stage_rows(ledgers: Mapping[int, StageLedger]) -> list[list[list[str]]]:
    """The rows of each stage under :func:`titles`: its finished runs, then its candidates, or that it is not run."""
    end = ended_by({number: ledger.outcome() for number, ledger in ledgers.items()})
    unit = unit_of(entry for ledger in ledgers.values() for entry in _entries(ledger).values())
    return [
        _run_rows(number, ledger, unit) + _candidate_rows(number, ledger) or _rows_not_run(number, end)
        for number, ledger in ledgers.items()
    ]


def _rows_not_run(number: int, end: int | None) -> list[list[str]]:
    behind = end is not None and number > end
    return [[number, explain_not_run(end), *[''] * (len(TITLES) - 2)]] if behind else []


def candidate_label(name: str, ingredients: list[str]) -> str:
    """A candidate and the folds it is made from, as in ``top2 (1, 3)``."""
    numbers = ', '.join(ingredient.removeprefix('fold') for ingredient in ingredients)
    return name if ingredients == [name] else f'{name} ({numbers})'


def _entries(ledger: StageLedger) -> dict[str, Entry]:
    return ledger.entries(ledger.finished_runs())


def _run_rows(number: int, ledger: StageLedger, unit: str) -> list[list[str]]:
    return [
        [
            number,
            name,
            length(entry, unit),
            position(entry['best'], unit),
            _held_out(entry),
            _score(entry.get('val', {})),
            '',
            '',
        ]
        for name, entry in _entries(ledger).items()
    ]


def _candidate_rows(number: int, ledger: StageLedger) -> list[list[str]]:
    outcome = ledger.outcome()
    if outcome is None:
        return []
    equal = [name for name, candidate in outcome['candidates'].items() if may_equal_winner(candidate)]
    remarks = {**dict.fromkeys(equal, MAY_EQUAL), outcome['winner']: _winner(outcome), ENSEMBLE: UPPER_BOUND}
    candidates = {**outcome['candidates'], **({ENSEMBLE: outcome[ENSEMBLE]} if ENSEMBLE in outcome else {})}
    return [
        [
            number,
            candidate_label(name, candidate['ingredients']),
            '',
            '',
            '',
            _score(candidate['val']) + ('*' if candidate.get('seen') else ''),
            _interval(candidate),
            remarks.get(name, ''),
        ]
        for name, candidate in candidates.items()
    ]


def _winner(outcome: Entry) -> str:
    return NO_GAIN if no_significant_gain(outcome) else 'winner'


def _interval(candidate: Entry) -> str:
    interval = candidate.get('interval', {}).get('val')
    return f'{interval[0]:.2f} - {interval[1]:.2f}' if interval else ''


def _held_out(entry: Entry) -> str:
    return _score(entry.get(HELD_OUT, entry['best'])) + ('*' if entry['best']['seen'] else ' ')


def _score(scores: Mapping[str, float]) -> str:
    return f'{scores["mIoU"]:.2f}' if 'mIoU' in scores else ''
