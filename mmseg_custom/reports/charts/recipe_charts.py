"""The figures that the ledgers alone give: plan, curves, folds, candidates, classes."""

import math
from collections.abc import Sequence

from mmseg_custom.ledger.stage_ledger import Entry
from mmseg_custom.reports.charts.candidate_charts import candidate_classes, candidate_dots, path_chart
from mmseg_custom.reports.charts.classes import Cells, matrix_view, matrix_width
from mmseg_custom.reports.charts.dots import Dots, dot_view, dots_width
from mmseg_custom.reports.charts.figure import SERIES, WHY_SEEN, Figure
from mmseg_custom.reports.charts.lines import Line, Marks, line_view
from mmseg_custom.reports.charts.plan_diagram import plan_figure
from mmseg_custom.reports.findings.recipe_record import RecipeRecord, StageRecord, class_scores
from mmseg_custom.reports.findings.statistics import mean_and_deviation, restart_positions

# Title of the figure and of its axis.
CURVES = {
    'train_loss': ('Training loss', 'loss'),
    'val_loss': ('Loss on the held-out fold', 'loss'),
    'mIoU': ('mIoU on the held-out fold', 'mIoU in %'),
    'fwIoU': ('Frequency-weighted IoU on the held-out fold', 'fwIoU in %'),
    'lr': ('Learning rate', 'learning rate'),
}
NAN = math.nan


def recipe_charts(recipe: RecipeRecord) -> list[Figure]:
    """Every figure that needs nothing but the ledgers; those of candidates once a stage is fused."""
    charts = [plan_figure(recipe), *(curve_chart(recipe, key) for key in CURVES)]
    charts += [fold_dots(recipe, on_val) for on_val in (True, False)]
    if recipe.fused:
        charts += [candidate_dots(recipe), *path_chart(recipe)]
    if recipe.classes:
        charts += [candidate_classes(recipe.fused[-1]), classes_by_stage(recipe)]
    return charts


def run_colour(name: str) -> str:
    """The colour of a run in every figure."""
    number = name.removeprefix('fold')
    return SERIES[(int(number) - 1) % (len(SERIES) - 1)] if number.isdigit() else SERIES[-1]


def curve_chart(recipe: RecipeRecord, key: str) -> Figure:
    """One quantity of the history of every run over all stages."""
    scored = key in ('mIoU', 'fwIoU')
    lines = curve_lines(recipe, key, scored)
    title, y_title = CURVES[key]
    views = {key: line_view(lines, 'epoch', y_title, _marks(recipe, key, scored), log=key == 'lr')}
    return Figure(name=f'curve_{key}', title=title, caption=_curve_caption(recipe, scored), views=views)


def curve_lines(recipe: RecipeRecord, key: str, scored: bool) -> list[Line]:
    """A line a run, and another one for the stages whose images its weights had seen; gaps between the stages."""
    lines = [
        _line(name, seen, [(entry, stage.start) for stage, one, entry in recipe.runs if one == name], key, scored)
        for name in dict.fromkeys(name for _, name, _ in recipe.runs)
        for seen in (False, True)
    ]
    return [line for line in lines if line.points]


def _marks(recipe: RecipeRecord, key: str, scored: bool) -> Marks:
    fused = recipe.fused if scored else []
    return Marks(
        stages=[(stage.start, stage.number) for stage in recipe.stages if stage.runs],
        restarts=sorted({epoch for stage in recipe.stages for epoch in _restarts(stage)}),
        stars=[(stage.start + stage.epochs, stage.winner['val'][key]) for stage in fused],
    )


def _line(name: str, seen: bool, runs: Sequence[tuple[Entry, int]], key: str, scored: bool) -> Line:
    points: list[tuple[float, float]] = []
    for entry, start in runs:
        if bool(scored and entry['best']['seen']) == seen:
            points += [(start + record['epoch'], record.get(key, NAN)) for record in entry['history']]
            points.append((points[-1][0] if points else start, NAN))
    return Line(name, run_colour(name), points, dashed=seen)


def _curve_caption(recipe: RecipeRecord, scored: bool) -> str:
    text = 'Each run on the fold it does not train on.' if scored else 'Each run, over the epochs of all stages.'
    seen = scored and recipe.seen
    stars = ' A star is the winner of a stage, on val.' if scored and recipe.fused else ''
    return text + (f' Dashed: {WHY_SEEN}' if seen else '') + stars


def _restarts(stage: StageRecord) -> list[int]:
    histories = [entry['history'] for entry in stage.runs.values()]
    rates = [[record.get('lr', NAN) for record in history] for history in histories]
    return [stage.start + position for run in rates for position in restart_positions(run)]


def fold_dots(recipe: RecipeRecord, on_val: bool) -> Figure:
    """The score of every run with the mean and deviation over the folds, on val or on the run's held-out fold."""
    stages = [stage for stage in recipe.stages if stage.runs]
    numbers, series = [stage.number for stage in stages], fold_series(stages, on_val)
    means = fold_means(stages, on_val)
    seen = f' Rings: {WHY_SEEN}' if recipe.seen and not on_val else ''
    caption = (
        'The best epoch of every run on the official val split: what to compare.'
        if on_val
        else f'The best epoch of every run on its held-out fold, which chose it.{seen}'
    )
    return Figure(
        name='folds_val' if on_val else 'folds_held_out',
        title='Runs on val' if on_val else 'Runs on their held-out folds',
        caption=f'{caption} Black: mean and sample deviation of the folds.',
        views={'folds': dot_view(numbers, series, f'mIoU on {"val" if on_val else "held-out fold"} in %', means)},
        min_width=dots_width(numbers, series),
    )


def fold_series(stages: Sequence[StageRecord], on_val: bool) -> list[Dots]:
    """The runs of each fold over the stages; apart, those scored on images that their weights had seen."""
    place = 'val' if on_val else 'best'
    names = dict.fromkeys(name for stage in stages for name in stage.runs)
    series = [
        _dots(name, seen, stages, place, on_val) for name in names for seen in ((False,) if on_val else (False, True))
    ]
    return [one for one in series if any(map(math.isfinite, one.values))]


def fold_means(stages: Sequence[StageRecord], on_val: bool) -> list[tuple[float, float]]:
    """Mean and deviation of each stage; NaN for a stage without folds, whose dot says it."""
    scores = [[entry['val' if on_val else 'best']['mIoU'] for entry in stage.runs.values()] for stage in stages]
    return [mean_and_deviation(one) if len(one) > 1 else (NAN, NAN) for one in scores]


def _dots(name: str, seen: bool, stages: Sequence[StageRecord], place: str, on_val: bool) -> Dots:
    def value(stage: StageRecord) -> float:
        entry = stage.runs.get(name)
        shown = entry is not None and (on_val or bool(entry['best']['seen']) == seen)
        return entry[place]['mIoU'] if shown else NAN

    return Dots(name, run_colour(name), [value(stage) for stage in stages], hollow=seen)


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
