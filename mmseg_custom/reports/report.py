"""The report of a recipe: one page, and every figure as PNG and SVG."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from mmseg_custom.errors import UserError
from mmseg_custom.io.files import PathLike, remove_leftovers, write_bytes
from mmseg_custom.ledger.stage_ledger import StageLedger
from mmseg_custom.reports.charts.candidate_charts import repeat_bars
from mmseg_custom.reports.charts.examination_charts import examination_charts
from mmseg_custom.reports.charts.kinds import Chart
from mmseg_custom.reports.charts.recipe_charts import recipe_charts
from mmseg_custom.reports.curves import draw_curves
from mmseg_custom.reports.drawing.matplotlib_figures import draw
from mmseg_custom.reports.drawing.sample_sheet import sample_sheet
from mmseg_custom.reports.findings.examination import Examination, examine_winner
from mmseg_custom.reports.findings.recipe_record import RecipeRecord, read_recipe
from mmseg_custom.reports.findings.repeats import read_repeats
from mmseg_custom.reports.findings.sample_images import small_uri
from mmseg_custom.reports.page import MissingPackageError, plotly_script, render_page

RESOLUTION = 130
# Equal data give equal files: no date, no random ids.
SVG = {'svg.hashsalt': 'report'}


def write_report(folder: PathLike, cfg_options: dict[str, Any] | None = None) -> Path:
    """Write ``report.html`` and ``figures/`` into a recipe's folder.

    The page is one file that needs no network. Confusion matrix, class frequency and samples need the data: the
    winner is run once over the val split. Without data the rest is written, and the page says what is missing.
    Repeats with other seeds are shown by their means and deviations.

    Args:
        folder: ``work_dirs/<recipe>``; a recipe that is half done reports what is there.
        cfg_options: Overrides for the config, by dotted key; they win over those the recipe was run with.

    Returns:
        The page.

    Raises:
        MissingPackageError: If Plotly is not installed.
        ReportError: If the folder holds no finished run.
    """
    plotly_script()
    recipe = read_recipe(folder)
    options = {**recipe.options, **(cfg_options or {})}
    found, notes = _examination(recipe, options)
    repeats = read_repeats(folder)
    charts = recipe_charts(recipe) + repeat_bars(repeats) + (examination_charts(found) if found else [])
    for written in (recipe.folder, recipe.folder / 'figures'):
        remove_leftovers(written)
    pictures = write_figures(charts, recipe.folder / 'figures')
    if found and found.best:
        _save(sample_sheet(found), recipe.folder / 'figures' / 'samples')
    page = recipe.folder / 'report.html'
    write_bytes(render_page(recipe, repeats, found, charts, pictures, notes, options).encode(), page)
    return page


def write_figures(charts: Sequence[Chart], folder: Path) -> dict[str, list[str]]:
    """Write every chart as PNG and SVG.

    Returns:
        The pictures for a page as data URIs, by the name of the chart.
    """
    return {
        chart.name: [small_uri(_save(figure, folder / name)) for name, figure in draw(chart).items()]
        for chart in charts
    }


def report_or_curves(
    folder: Path, ledgers: Mapping[int, StageLedger], cfg_options: dict[str, Any] | None = None
) -> str:
    """Write the report, or the curves alone where a package for it is missing; a failure does not end a recipe.

    Returns:
        A line for the user that names the file, or what went wrong.
    """
    try:
        return f'report: {write_report(folder, cfg_options)}'
    except MissingPackageError as error:
        return f'{error}\ncurves: {draw_curves(ledgers, folder / "curves.png")}'
    except (UserError, OSError) as error:
        return f'no report: {error}'


def _examination(recipe: RecipeRecord, cfg_options: dict[str, Any]) -> tuple[Examination | None, list[str]]:
    try:
        return examine_winner(recipe, cfg_options), []
    except (UserError, OSError) as error:
        return None, [f'Confusion matrix, class frequency and samples are missing. {error}']


def _save(figure: Figure, stem: Path) -> bytes:
    """Write a figure as ``stem.png`` and ``stem.svg``; returns the PNG."""
    buffers = {kind: io.BytesIO() for kind in ('png', 'svg')}
    with rc_context(SVG):
        figure.savefig(buffers['png'], format='png', dpi=RESOLUTION)
        # The layout is made: a second one would cost as much as drawing.
        figure.set_layout_engine('none')
        figure.savefig(buffers['svg'], format='svg', metadata={'Date': None})
    for kind, buffer in buffers.items():
        write_bytes(buffer.getvalue(), stem.with_name(f'{stem.name}.{kind}'))
    return buffers['png'].getvalue()
