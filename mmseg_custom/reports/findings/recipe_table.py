"""The table of a recipe: every stage, fold and candidate."""

from collections.abc import Mapping

from prettytable import PrettyTable

from mmseg_custom.evaluation.score import ENSEMBLE
from mmseg_custom.stages.ledger import Entry, StageLedger

TITLES = ('stage', 'model', 'epochs', 'best', 'mIoU on its own part', 'mIoU on val', '95 % interval', '')
UPPER_BOUND = 'upper bound: all side by side'
NO_GAIN = 'winner, no sure gain over its start'
SEEN_NOTE = '* the weights had seen these images in an earlier stage: this score flatters.'


def recipe_table(ledgers: Mapping[int, StageLedger]) -> str:
    """A text table of what is in the ledgers of a recipe, stage by stage.

    Args:
        ledgers: By stage number.
    """
    table = PrettyTable(list(TITLES))
    table.align, table.align['model'] = 'r', 'l'
    for number, ledger in ledgers.items():
        rows = stage_rows(number, ledger)
        for position, row in enumerate(rows):
            table.add_row(row, divider=position == len(rows) - 1)
    seen = any(entry['best']['seen'] for ledger in ledgers.values() for entry in _entries(ledger).values())
    return table.get_string() + (f'\n{SEEN_NOTE}' if seen else '')


def stage_rows(number: int, ledger: StageLedger) -> list[list[str]]:
    """The rows of a stage under :data:`TITLES`: its finished runs, then its candidates."""
    return _member_rows(number, ledger) + _candidate_rows(number, ledger)


def candidate_label(name: str, members: list[str]) -> str:
    """A candidate and the folds it is made from, as in ``top2 (1, 3)``."""
    return name if members == [name] else f'{name} ({", ".join(member.removeprefix("fold") for member in members)})'


def _entries(ledger: StageLedger) -> dict[str, Entry]:
    return ledger.entries(ledger.finished_members())


def _member_rows(number: int, ledger: StageLedger) -> list[list[str]]:
    return [
        [
            number,
            name,
            len(entry['history']),
            entry['best']['epoch'],
            _own_part(entry),
            _score(entry['val']),
            '',
            '',
        ]
        for name, entry in _entries(ledger).items()
    ]


def _candidate_rows(number: int, ledger: StageLedger) -> list[list[str]]:
    outcome = ledger.outcome()
    if outcome is None:
        return []
    remarks = {outcome['winner']: _winner(outcome), ENSEMBLE: UPPER_BOUND}
    candidates = {**outcome['candidates'], **({ENSEMBLE: outcome[ENSEMBLE]} if ENSEMBLE in outcome else {})}
    return [
        [
            number,
            candidate_label(name, candidate['members']),
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
    gain = outcome.get('gain')
    return 'winner' if gain is None or gain['interval'][0] > 0 else NO_GAIN


def _interval(candidate: Entry) -> str:
    interval = candidate.get('interval', {}).get('val')
    return f'{interval[0]:.2f} - {interval[1]:.2f}' if interval else ''


def _own_part(entry: Entry) -> str:
    return _score(entry['best']) + ('*' if entry['best']['seen'] else ' ')


def _score(scores: Mapping[str, float]) -> str:
    return f'{scores["mIoU"]:.2f}'
