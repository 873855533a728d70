"""The table of a recipe: every stage, fold and candidate."""

from collections.abc import Mapping

from prettytable import PrettyTable

from mmseg_custom.stages.ledger import Entry, StageLedger

SEEN_NOTE = '* the weights had seen these images in an earlier stage: this score flatters.'


def recipe_table(ledgers: Mapping[int, StageLedger]) -> str:
    """A text table of what is in the ledgers of a recipe, stage by stage.

    Args:
        ledgers: By stage number.
    """
    table = PrettyTable(['stage', 'model', 'epochs', 'best', 'mIoU on its own part', 'mIoU on val', ''])
    table.align, table.align['model'] = 'r', 'l'
    for number, ledger in ledgers.items():
        rows = _member_rows(number, ledger) + _candidate_rows(number, ledger)
        for position, row in enumerate(rows):
            table.add_row(row, divider=position == len(rows) - 1)
    seen = any(entry['best']['seen'] for ledger in ledgers.values() for entry in _entries(ledger).values())
    return table.get_string() + (f'\n{SEEN_NOTE}' if seen else '')


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
        ]
        for name, entry in _entries(ledger).items()
    ]


def _candidate_rows(number: int, ledger: StageLedger) -> list[list[str]]:
    outcome = ledger.outcome()
    if outcome is None:
        return []
    return [
        [
            number,
            _candidate_name(name, candidate['members']),
            '',
            '',
            '',
            _score(candidate['val']),
            'winner' if name == outcome['winner'] else '',
        ]
        for name, candidate in outcome['candidates'].items()
    ]


def _candidate_name(name: str, members: list[str]) -> str:
    return name if members == [name] else f'{name} ({", ".join(member.removeprefix("fold") for member in members)})'


def _own_part(entry: Entry) -> str:
    return _score(entry['best']) + ('*' if entry['best']['seen'] else ' ')


def _score(scores: Mapping[str, float]) -> str:
    return f'{scores["mIoU"]:.2f}'
