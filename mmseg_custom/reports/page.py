"""The report as one HTML file that needs nothing else."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mmseg_custom import __version__
from mmseg_custom.ledger.stage_ledger import StageLedger
from mmseg_custom.reports.charts.examination_charts import class_rows
from mmseg_custom.reports.charts.kinds import WHY_SEEN, Chart
from mmseg_custom.reports.drawing.plotly_figures import plotly_figure
from mmseg_custom.reports.findings.examination import Examination
from mmseg_custom.reports.findings.facts import config_texts, headline, record_of_runs, reproduction
from mmseg_custom.reports.findings.recipe_record import RecipeRecord, ReportError
from mmseg_custom.reports.findings.recipe_table import TITLES, stage_rows
from mmseg_custom.reports.findings.repeats import repeats_facts
from mmseg_custom.reports.findings.sample_images import ERROR_COLOURS

SECTIONS = {
    'the-plan': 'Plan',
    'the-curves': 'Curves',
    'the-folds': 'Folds',
    'the-candidates': 'Candidates',
    'the-repeats': 'Repeats',
    'the-classes': 'Classes',
    'the-confusion': 'Confusion',
    'the-frequency': 'Frequency',
    'the-samples': 'Samples',
    'the-record': 'Record',
    'the-commands': 'Reproduce',
}


class MissingPackageError(ReportError):
    """A package that only the report needs is not installed."""


def plotly_script() -> str:
    """The text of Plotly's JavaScript.

    Raises:
        MissingPackageError: If Plotly is not installed.
    """
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise MissingPackageError(
            "report.html needs Plotly, which is not installed: pip install 'mmseg-custom[report]'"
        ) from error
    return get_plotlyjs()


def render_page(
    recipe: RecipeRecord,
    repeats: Sequence[RecipeRecord],
    found: Examination | None,
    charts: Sequence[Chart],
    pictures: Mapping[str, Sequence[str]],
    notes: Sequence[str],
    cfg_options: dict[str, Any] | None = None,
) -> str:
    """The page as text; everything that comes from a user is escaped, and only its own two scripts may run.

    Args:
        recipe: What the ledgers say.
        repeats: The recipe itself and its repeats with other seeds.
        found: What the examination of the winner found, if there was one.
        charts: The figures.
        pictures: Data URIs of each figure's files, by its name, for print and for readers without scripts.
        notes: Sentences on what is missing.
        cfg_options: Overrides the recipe was run with.

    Raises:
        MissingPackageError: If Plotly is not installed.
    """
    environment = _environment()
    style, script = (environment.loader.get_source(environment, f'report.{kind}')[0] for kind in ('css', 'js'))
    plotly = plotly_script()
    return environment.get_template('report.html').render(
        **_contents(recipe, found, charts),
        repeats=repeats_facts(repeats),
        pictures=pictures,
        notes=notes,
        commands=reproduction(recipe, cfg_options, len(repeats)),
        policy=_policy([plotly, script]),
        style=Markup(style),
        plotly=Markup(plotly),
        script=Markup(script),
    )


def _environment() -> Environment:
    return Environment(loader=PackageLoader('mmseg_custom.reports'), autoescape=True, undefined=StrictUndefined)


def _contents(recipe: RecipeRecord, found: Examination | None, charts: Sequence[Chart]) -> dict[str, Any]:
    by_name = {chart.name: chart for chart in charts}
    return {
        'recipe': recipe,
        'found': found,
        'charts': by_name,
        'figures': {name: plotly_figure(chart) for name, chart in by_name.items()},
        'headline': headline(recipe),
        'sections': _sections(by_name),
        'classes': class_rows(found) if found else [],
        'table': {'titles': TITLES, 'rows': _rows(recipe)},
        'record': record_of_runs(recipe),
        'configs': config_texts(recipe),
        'error_colours': ERROR_COLOURS,
        'why_seen': WHY_SEEN,
        'version': __version__,
    }


def _policy(scripts: Sequence[str]) -> str:
    """A content security policy: these scripts, embedded pictures, nothing from anywhere."""
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = ' '.join(f"'sha256-{digest}'" for digest in digests)
    return f"default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; script-src {allowed}"


def _rows(recipe: RecipeRecord) -> list[list[str]]:
    rows = stage_rows({stage.number: StageLedger(stage.folder) for stage in recipe.stages})
    return [row for stage in rows for row in stage]


def _sections(charts: Mapping[str, Chart]) -> list[tuple[str, str]]:
    needs = {
        'the-candidates': 'candidates',
        'the-repeats': 'repeats',
        'the-classes': 'classes_by_stage',
        **{f'the-{name}': 'confusion' for name in ('confusion', 'frequency', 'samples')},
    }
    return [(key, name) for key, name in SECTIONS.items() if needs.get(key) is None or needs[key] in charts]
