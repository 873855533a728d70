"""The figures that the ledgers alone give: plan, curves, folds, candidates, classes."""

import math
import re
from collections.abc import Sequence

from mmseg_custom.ledger.stage_ledger import Entry
from mmseg_custom.reports.charts.candidate_charts import candidate_classes, candidate_dots, path_chart
from mmseg_custom.reports.charts.classes import Cells, matrix_view, matrix_width
from mmseg_custom.reports.charts.figure import WHY_SEEN, Figure, run_colour
from mmseg_custom.reports.charts.fold_charts import held_out_dots, out_of_fold_classes, val_dots
from mmseg_custom.reports.charts.lines import Line, Marks, line_view
from mmseg_custom.reports.charts.plan_diagram import plan_figure
from mmseg_custom.reports.findings.recipe_record import RecipeRecord, StageRecord, class_scores
from mmseg_custom.reports.findings.statistics import restart_positions
from mmseg_custom.reports.findings.training_length import EPOCH, position

# Title of the figure and of its axis.
CURVES = {
    'train_loss': ('Training loss', 'loss'),
    'val_loss': ('Loss on the held-out fold', 'loss'),
    'mIoU': ('mIoU on the held-out fold', 'mIoU in %'),
    'fwIoU': ('Frequency-weighted IoU on the held-out fold', 'fwIoU in %'),
    'lr': ('Learning rate', 'learning rate'),
}
CURVE = 'curve_'  # The names of these figures begin so.
UNSCORED = ('train_loss', 'val_loss', 'lr')
NAN = math.nan


def recipe_charts(recipe: RecipeRecord) -> list[Figure]:
    """Every figure that needs nothing but the ledgers; those of candidates once a stage is fused."""
    charts = [plan_figure(recipe), *(curve_chart(recipe, key) for key in curve_keys(recipe))]
    charts += [*([val_dots(recipe)] if recipe.has_val else []), held_out_dots(recipe)]
    if recipe.fused:
        charts += [candidate_dots(recipe), *path_chart(recipe)]
    if recipe.classes:
        charts += [candidate_classes(recipe.fused[-1]), classes_by_stage(recipe)]
    return charts + ([out_of_fold_classes(recipe.out_of_fold)] if recipe.out_of_fold else [])


def curve_keys(recipe: RecipeRecord) -> list[str]:
    """What the histories of the runs have a curve of, the score that they are watched by first."""
    there = {key for _, _, entry in recipe.runs for record in entry['history'] for key in record}
    return [key for key in dict.fromkeys([recipe.monitor, 'mIoU', *CURVES]) if key in there]


def curve_chart(recipe: RecipeRecord, key: str) -> Figure:
    """One quantity of the history of every run over all stages."""
    scored = key not in UNSCORED
    lines = curve_lines(recipe, key, scored)
    title, y_title = CURVES.get(key, (f'{key} on the held-out fold', f'{key} in %'))
    title = title.replace('held-out fold', recipe.validated_on)
    views = {key: line_view(lines, recipe.unit, y_title, _marks(recipe, key, scored), log=key == 'lr')}
    name = CURVE + re.sub(r'\W', '_', key)
    return Figure(name=name, title=title, caption=_curve_caption(recipe, scored), views=views)


def curve_lines(recipe: RecipeRecord, key: str, scored: bool) -> list[Line]:
    """A line a run, and another one for the stages whose images its weights had seen; gaps between the stages."""
    lines = [
        _line(name, seen, [(stage, entry) for stage, one, entry in recipe.runs if one == name], key, scored)
        for name in dict.fromkeys(name for _, name, _ in recipe.runs)
        for seen in (False, True)
    ]
    return [line for line in lines if line.points]


def _marks(recipe: RecipeRecord, key: str, scored: bool) -> Marks:
    fused = [stage for stage in recipe.fused if scored and key in stage.winner['val']]
    return Marks(
        stages=[(stage.start, stage.number) for stage in recipe.stages if stage.runs],
        restarts=sorted({epoch for stage in recipe.stages for epoch in _restarts(stage)}),
        stars=[(stage.start + stage.length, stage.winner['val'][key]) for stage in fused],
    )


def _line(name: str, seen: bool, runs: Sequence[tuple[StageRecord, Entry]], key: str, scored: bool) -> Line:
    points: list[tuple[float, float]] = []
    for stage, entry in runs:
        if bool(scored and entry['best']['seen']) == seen:
            history = [(position(record, stage.unit), record.get(key, NAN)) for record in entry['history']]
            points += [(stage.start + x, y) for x, y in history]
            points.append((points[-1][0] if points else stage.start, NAN))
    return Line(name, run_colour(name), points, dashed=seen)


def _curve_caption(recipe: RecipeRecord, scored: bool) -> str:
    over = f'Each run, over the {recipe.unit}s of all stages.'
    text = 'Each run on the fold it does not train on.' if scored else over
    seen = scored and recipe.seen
    stars = ' A star is the winner of a stage, on val.' if scored and recipe.fused else ''
    return text + (f' Dashed: {WHY_SEEN}' if seen else '') + stars


def _restarts(stage: StageRecord) -> list[int]:
    histories = [entry['history'] for entry in stage.runs.values()]
    if stage.unit != EPOCH:  # A validation sees the rate of one iteration: too few to tell a restart by.
        return []
    rates = [[record.get('lr', NAN) for record in history] for history in histories]
    return [stage.start + restart for run in rates for restart in restart_positions(run)]


def classes_by_stage(recipe: RecipeRecord) -> Figure:
    """The IoU of every class for the winner of every stage."""
    columns = [class_scores(stage.winner['val']) for stage in recipe.fused]
    values = [[column.get(name, NAN) for column in columns] for name in recipe.classes]
    texts = [['' if math.isnan(value) else f'{value:.1f}' for value in row] for row in values]
    cells = Cells([[value / 100 for value in row] for row in values], texts)
    names = [str(stage.number) for stage in recipe.fused]
    return Figure(
        name='classes_by_stage',
        title='Classes over the stages, IoU of each winner on val in %',
        caption='Read a row to see when a class was learned. Empty: the class does not occur.',
        views={'IoU': matrix_view(recipe.classes, names, cells, (None, 'stage'))},
        min_width=matrix_width(recipe.classes, names),
    )
