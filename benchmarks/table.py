"""The figures as tables that are Markdown too, and as JSON."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from prettytable import PrettyTable, TableStyle

from benchmarks.frame import Case, Timing

HEADER = ('row', 'work', 'who', 'time', 'x ours', 'x floor', 'extra MB')
GROWTH_HEADER = ('row', 'grows with', 'value', 'ours', 'floor', 'ours / floor', 'ours / first')


@dataclass(frozen=True)
class Result:
    """A case and what came out; ``failure`` says what went wrong instead."""

    case: Case
    threads: int
    timings: list[Timing]
    failure: str = ''

    def of(self, role: str) -> float | None:
        """The figure of the first contender in a role."""
        found = [timing.figure(self.case.statistic) for timing in self.timings if timing.role == role]
        return found[0] if found else None

    def record(self) -> dict:
        """All there is, for JSON."""
        shown = ('row', 'work', 'axis', 'value', 'statistic', 'load', 'rounds')
        facts = {name: getattr(self.case, name) for name in shown}
        timings = [
            {**asdict(timing), self.case.statistic: timing.figure(self.case.statistic)} for timing in self.timings
        ]
        return {**facts, 'threads': self.threads, 'failure': self.failure, 'contenders': timings}


def main_table(results: Iterable[Result]) -> str:
    """A line a contender; the work of a case is named once."""
    table = _table(HEADER)
    for result in results:
        case, work = result.case, f'{result.case.work} ({result.threads} thread{"s" * (result.threads > 1)})'
        if result.failure:
            table.add_row([case.row, work, f'FAILED: {result.failure}', '', '', '', ''])
        for number, timing in enumerate(result.timings):
            first = number == 0
            table.add_row([case.row if first else '', work if first else '', *_cells(result, timing)])
    return table.get_string()


def growth_table(results: Iterable[Result]) -> str:
    """A line a case: how ours and the floor grow."""
    table, first = _table(GROWTH_HEADER), {}
    for result in results:
        case, ours, floor = result.case, result.of('ours'), result.of('floor')
        if ours is None:
            table.add_row([case.row, case.axis, case.value, f'FAILED: {result.failure}', '', '', ''])
            continue
        start = first.setdefault((case.row, case.axis), ours)
        ratio = f'{ours / floor:.2f}' if floor else ''
        table.add_row(
            [case.row, case.axis, case.value, duration(ours), duration(floor), ratio, f'{ours / start:.2f}']
        )
    return table.get_string()


def duration(seconds: float | None) -> str:
    """Seconds with a unit and three digits."""
    if seconds is None:
        return ''
    unit, factor = next(((u, f) for u, f in (('s', 1), ('ms', 1e3)) if seconds * f >= 1), ('us', 1e6))
    return f'{seconds * factor:.3g} {unit}'


def _cells(result: Result, timing: Timing) -> list[str]:
    figure, ours, floor = timing.figure(result.case.statistic), result.of('ours'), result.of('floor')
    name = f'{timing.name} ({timing.role})'
    if figure is None:
        return [name, timing.note, '', '', '']
    shown = duration(figure)
    if result.case.statistic == 'mean':
        shown = f'mean {shown}, p99 {duration(timing.percentile(0.99))}'
    name += f'; {timing.note}' if timing.note else ''
    memory = '' if timing.megabytes is None else f'{timing.megabytes:.0f}'
    return [name, shown, *(f'{figure / base:.2f}' if base else '' for base in (ours, floor)), memory]


def _table(header: tuple[str, ...]) -> PrettyTable:
    table = PrettyTable(header, align='l')
    table.set_style(TableStyle.MARKDOWN)
    table.align = 'l'
    for name in ('x ours', 'x floor', 'extra MB', 'value', 'ours / floor', 'ours / first'):
        if name in header:
            table.align[name] = 'r'
    return table
