"""The report of a recipe: one page, and every figure as PNG and SVG."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmseg_custom.errors import UserError
from mmseg_custom.io.files import PathLike, remove_leftovers, write_bytes
from mmseg_custom.reports.findings.examination import Examination, examine_winner
from mmseg_custom.reports.findings.fold_examination import examine_folds
from mmseg_custom.reports.findings.recipe_record import RecipeRecord, ReportError, read_recipe
from mmseg_custom.reports.findings.repeats import read_repeats

if TYPE_CHECKING:
    from mmseg_custom.reports.charts import Figure


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
        ReportError: If the folder holds no finished run, or a package that only the report needs is not installed.
    """
    try:
        # An extra: a recipe is trained without these packages.
        from mmseg_custom.reports.page import render_page
        from mmseg_custom.reports.pictures import write_figures, write_picture
        from mmseg_custom.reports.sample_sheet import sample_sheet
    except ImportError as error:
        raise ReportError(f"the report needs {error.name}: pip install 'mmseg-custom[report]'") from error
    recipe = read_recipe(folder)
    options = {**recipe.options, **(cfg_options or {})}
    found, notes = _examination(recipe, options)
    repeats = read_repeats(folder)
    figures = _figures(recipe, repeats, found)
    for written in (recipe.folder, recipe.folder / 'figures'):
        remove_leftovers(written)
    pictures = write_figures(figures, recipe.folder / 'figures')
    if found and found.best:
        write_picture(sample_sheet(found), recipe.folder / 'figures' / 'samples', colours=None)
    page = recipe.folder / 'report.html'
    write_bytes(render_page(recipe, repeats, found, figures, pictures, notes, options).encode(), page)
    return page


def _figures(recipe: RecipeRecord, repeats: list[RecipeRecord], found: Examination | None) -> list['Figure']:
    from altair.utils.schemapi import debug_mode

    from mmseg_custom.reports.charts import examination_charts, recipe_charts, repeat_dots

    # Altair checks every part of a figure against the schema of Vega-Lite, which takes as long as the figures do.
    with debug_mode(False):
        return recipe_charts(recipe) + repeat_dots(repeats) + (examination_charts(found) if found else [])


def report_line(folder: Path, cfg_options: dict[str, Any] | None = None) -> str:
    """Write the report; a failure, of whatever kind, does not end a recipe.

    Returns:
        A line for the user that names the file, or what went wrong.
    """
    try:
        return f'report: {write_report(folder, cfg_options)}'
    except (UserError, OSError) as error:
        return f'no report: {error}'
    except Exception as error:  # The training is finished: a fault of its page is told, and takes nothing away.
        return f'no report: {type(error).__name__}: {error}'


def _examination(recipe: RecipeRecord, cfg_options: dict[str, Any]) -> tuple[Examination | None, list[str]]:
    try:
        if not recipe.fused and recipe.out_of_fold:
            return examine_folds(recipe), []
        return examine_winner(recipe, cfg_options), []
    except (UserError, OSError) as error:
        return None, [f'Confusion matrix, class frequency and samples are missing. {error}']
