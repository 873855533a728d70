"""A table of the folds under way that renews itself in a terminal."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from mmseg_custom.plan.progress import PlanProgress, RunProgress, duration
from mmseg_custom.plan.recipe import Recipe

COLUMNS = ('stage', 'model', 'epoch', 'loss', 'mIoU', 'best', 'elapsed', 'left')
BAR_WIDTH = 16


class LiveTable:
    """The runs of the stage under way, a row each, and how far the plan is; lines go above it.

    Args:
        console: The terminal.
        refresh: How often a second it is drawn. Defaults to 2.
    """

    def __init__(self, console: Console, refresh: float = 2) -> None:
        self.console = console
        self.progress: PlanProgress | None = None
        self.live = Live(get_renderable=self.render, console=console, refresh_per_second=refresh)

    def report(self, line: str) -> None:
        """Print a line above the table, for good."""
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def follow(self, progress: PlanProgress) -> None:
        """Show this progress from now on."""
        self.progress = progress

    def render(self) -> RenderableType:
        """The table as it is now."""
        if self.progress is None or not self.progress.runs:
            return ''
        under_way = [run for run in self.progress.runs.values() if run.stage == self.progress.stage]
        return Group(*([_table(under_way)] if under_way else []), _plan_line(self.progress))


@contextmanager
def live_table(recipe: Recipe, console: Console | None = None) -> Iterator[None]:
    """Show what a recipe does in a :class:`LiveTable` if there is a terminal that can; else its lines stay.

    Args:
        recipe: Reports into the table within the context.
        console: Where it is shown; the standard output by default.
    """
    console = console or Console()
    if not _can_redraw(console):
        yield
        return
    table = LiveTable(console)
    recipe.report, recipe.follow = table.report, table.follow
    with table.live:
        yield


def _can_redraw(console: Console) -> bool:
    """Not a pipe or file (whatever FORCE_COLOR says), not TERM=dumb, not a build server that keeps a log."""
    return console.file.isatty() and not console.is_dumb_terminal and not os.environ.get('CI')


def _table(runs: list[RunProgress]) -> Table:
    table = Table(box=None, pad_edge=False, header_style='bold')
    for name in COLUMNS:
        table.add_column(name, justify='left' if name == 'model' else 'right', no_wrap=True)
    for run in runs:
        waits = run.began is None
        table.add_row(*_cells(run), style='dim' if waits else 'green' if run.finished else None)
    if all(run.finished for run in runs):
        table.caption, table.caption_justify = 'all trained; the candidates are being scored', 'left'
    return table


def _cells(run: RunProgress) -> list[str]:
    now = f'{min(int(run.done) + 1, run.length)}/{run.length}'
    left = '' if run.finished else duration(run.seconds_left)
    numbers = [_number(run.loss, 3), _number(run.score, 2), _number(run.best, 2)]
    if run.began is None:
        return [str(run.stage), run.run_name, f'-/{run.length}', *numbers, '', 'waits']
    return [str(run.stage), run.run_name, now, *numbers, duration(run.elapsed), left]


def _number(value: float | None, digits: int) -> str:
    return '-' if value is None else f'{value:.{digits}f}'


def _plan_line(progress: PlanProgress) -> Table:
    finished, left = sum(run.finished for run in progress.runs.values()), progress.seconds_left
    said = f'{progress.fraction:.0%}, {finished} of {len(progress.runs)} runs'
    line = Table.grid(padding=(0, 1))
    bar = ProgressBar(total=1.0, completed=progress.fraction, width=BAR_WIDTH)
    line.add_row('plan', bar, said if left is None else f'{said}, {duration(left)} left')
    return line
