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
from mmseg_custom.reports.charts.figure import WHY_SEEN, Figure
from mmseg_custom.reports.charts.recipe_charts import CURVE
from mmseg_custom.reports.findings.examination import Examination
from mmseg_custom.reports.findings.facts import (
    config_texts,
    headline,
    out_of_fold_facts,
    record_of_runs,
    reproduction,
)
from mmseg_custom.reports.findings.recipe_record import RecipeRecord
from mmseg_custom.reports.findings.recipe_table import stage_rows, titles
from mmseg_custom.reports.findings.repeats import repeats_facts
from mmseg_custom.reports.findings.sample_images import ERROR_COLOURS
from mmseg_custom.reports.pictures import Picture, page_script

SECTIONS = {
    'the-plan': 'Plan',
    'the-curves': 'Curves',
    'the-folds': 'Folds',
    'the-out-of-fold': 'Out of fold',
    'the-candidates': 'Candidates',
    'the-repeats': 'Repeats',
    'the-classes': 'Classes',
    'the-confusion': 'Confusion',
    'the-frequency': 'Frequency',
    'the-samples': 'Samples',
    'the-record': 'Record',
    'the-commands': 'Reproduce',
}


def render_page(
    recipe: RecipeRecord,
    repeats: Sequence[RecipeRecord],
    found: Examination | None,
    figures: Sequence[Figure],
    pictures: Mapping[str, Sequence[Picture]],
    notes: Sequence[str],
    cfg_options: dict[str, Any] | None = None,
) -> str:
    """The page as text; everything that comes from a user is escaped, and only its own two scripts may run.

    Args:
        recipe: What the ledgers say.
        repeats: The recipe itself and its repeats with other seeds.
        found: What the examination of the winner found, if there was one.
        figures: The figures.
        pictures: Of each figure by its name, for print and for readers without scripts.
        notes: Sentences on what is missing.
        cfg_options: Overrides the recipe was run with.
    """
    environment = _environment()
    style, script = (environment.loader.get_source(environment, f'report.{kind}')[0] for kind in ('css', 'js'))
    vega = page_script()
    return environment.get_template('report.html').render(
        **_contents(recipe, found, figures),
        repeats=repeats_facts(repeats),
        pictures=pictures,
        notes=notes,
        commands=reproduction(recipe, cfg_options, len(repeats)),
        policy=_policy([vega, script]),
        style=Markup(style),
        vega=Markup(vega),
        script=Markup(script),
    )


def _environment() -> Environment:
    return Environment(loader=PackageLoader('mmseg_custom.reports'), autoescape=True, undefined=StrictUndefined)


def _contents(recipe: RecipeRecord, found: Examination | None, figures: Sequence[Figure]) -> dict[str, Any]:
    by_name = {figure.name: figure for figure in figures}
    return {
        'recipe': recipe,
        'found': found,
        'figures': by_name,
        'headline': headline(recipe),
        'out_of_fold': out_of_fold_facts(recipe),
        'curves': [name for name in by_name if name.startswith(CURVE)],
        'sections': _sections(by_name, found),
        'classes': class_rows(found) if found else [],
        'table': {'titles': titles([entry for _, _, entry in recipe.runs]), 'rows': _rows(recipe)},
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


def _sections(figures: Mapping[str, Figure], found: Examination | None) -> list[tuple[str, str]]:
    needs = {
        'the-out-of-fold': 'classes_out_of_fold',
        'the-candidates': 'candidates',
        'the-repeats': 'repeats',
        'the-classes': 'classes' if 'classes' in figures else 'classes_by_stage',
        **{f'the-{name}': 'confusion' for name in ('confusion', 'frequency')},
        'the-samples': 'samples',
    }
    there = {*figures, *(['samples'] if found and found.best else [])}
    return [(key, name) for key, name in SECTIONS.items() if needs.get(key) is None or needs[key] in there]
