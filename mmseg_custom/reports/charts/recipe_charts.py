"""The figures that the ledgers alone give: plan, curves, folds, candidates, classes."""

import math
from collections.abc import Sequence

from mmseg_custom.ledger.stage_ledger import Entry
from mmseg_custom.reports.charts.candidate_charts import candidate_bars, candidate_classes, path_chart
from mmseg_custom.reports.charts.kinds import (
    SERIES,
    WHY_SEEN,
    BarChart,
    Bars,
    Chart,
    Layer,
    Line,
    LineChart,
    Matrix,
)
from mmseg_custom.reports.charts.plan_diagram import plan_diagram
from mmseg_custom.reports.findings.recipe_record import RecipeRecord, StageRecord, class_scores
from mmseg_custom.reports.findings.statistics import mean_and_deviation, restart_positions

CURVES = {
    'train_loss': 'Training loss',
    'val_loss': 'Validation loss',
    'mIoU': 'mIoU in %',
    'fwIoU': 'Frequency-weighted IoU in %',
    'lr': 'Learning rate',
}
NAN = math.nan


def recipe_charts(recipe: RecipeRecord) -> list[Chart]:
    """Every figure that needs nothing but the ledgers; those of candidates once a stage is fused."""
    charts: list[Chart] = [plan_diagram(recipe), *(curve_chart(recipe, key) for key in CURVES)]
    charts += [fold_bars(recipe, on_val) for on_val in (True, False)]
    if recipe.fused:
        charts += [candidate_bars(recipe), *path_chart(recipe)]
    if recipe.classes:
        charts += [candidate_classes(recipe.fused[-1]), classes_by_stage(recipe)]
    return charts


def run_colour(name: str) -> str:
    """The colour of a run in every figure."""
    number = name.removeprefix('fold')
    return SERIES[(int(number) - 1) % (len(SERIES) - 1)] if number.isdigit() else SERIES[-1]


def curve_chart(recipe: RecipeRecord, key: str) -> LineChart:
    """One quantity of the history of every run over all stages."""
    scored = key in ('mIoU', 'fwIoU')
    lines = [
        _line(name, seen, [(entry, stage.start) for stage, one, entry in recipe.runs if one == name], key, scored)
        for name in dict.fromkeys(name for _, name, _ in recipe.runs)
        for seen in (False, True)
    ]
    stars = [(stage.start + stage.epochs, stage.winner['val'][key]) for stage in recipe.fused] if scored else []
    return LineChart(
        name=f'curve_{key}',
        title=CURVES[key],
        caption=_curve_caption(recipe, scored),
        lines=[line for line in lines if line.points],
        stages=[(stage.start, f'{stage.number}') for stage in recipe.stages if stage.runs],
        restarts=sorted({epoch for stage in recipe.stages for epoch in _restarts(stage)}),
        stars=stars,
        log=key == 'lr',
    )


def _line(name: str, seen: bool, runs: Sequence[tuple[Entry, int]], key: str, scored: bool) -> Line:
    points: list[tuple[float, float]] = []
    for entry, start in runs:
        if bool(scored and entry['best']['seen']) == seen:
            points += [(start + record['epoch'], record.get(key, NAN)) for record in entry['history']]
            points.append((points[-1][0] if points else start, NAN))
    return Line(name, run_colour(name), points, dashed=seen)


def _curve_caption(recipe: RecipeRecord, scored: bool) -> str:
    text = 'Each run on its own validation part.' if scored else 'Each run, over the epochs of all stages.'
    seen = scored and recipe.seen
    stars = ' A star is the winner of a stage on val.' if scored and recipe.fused else ''
    return text + (f' Dashed: {WHY_SEEN}' if seen else '') + stars


def _restarts(stage: StageRecord) -> list[int]:
    histories = [entry['history'] for entry in stage.runs.values()]
    rates = [[record.get('lr', NAN) for record in history] for history in histories]
    return [stage.start + position for run in rates for position in restart_positions(run)]


def fold_bars(recipe: RecipeRecord, on_val: bool) -> BarChart:
    """The score of every run with the mean and deviation over the folds, on val or on the run's held-out fold."""
    stages = [stage for stage in recipe.stages if stage.runs]
    names = dict.fromkeys(name for stage in stages for name in stage.runs)
    place = 'val' if on_val else 'best'
    series = [
        bars
        for name in names
        for seen in ((False,) if on_val else (False, True))
        if (bars := _bars(name, seen, stages, place, on_val)) is not None
    ]
    means = [_mean(stage, place) for stage in stages]
    caption = 'The best epoch of every run on the official val split: what to compare.'
    own = 'The best epoch of every run on its own validation part, which chose it.' + (
        f' Striped: {WHY_SEEN}' if recipe.seen else ''
    )
    return BarChart(
        name='folds_val' if on_val else 'folds_held_out',
        title='Folds on val, mIoU in %' if on_val else 'Held-out folds, mIoU in %',
        caption=(caption if on_val else own) + ' Whiskers: mean and sample deviation of the folds.',
        groups=[f'stage {stage.number}' for stage in stages],
        series=series,
        means=means,
    )


def _mean(stage: StageRecord, place: str) -> tuple[float, float]:
    """Nothing for a stage without folds: the bar says it."""
    scores = [entry[place]['mIoU'] for entry in stage.runs.values()]
    return mean_and_deviation(scores) if len(scores) > 1 else (NAN, NAN)


def _bars(name: str, seen: bool, stages: Sequence[StageRecord], place: str, on_val: bool) -> Bars | None:
    def value(stage: StageRecord) -> float:
        entry = stage.runs.get(name)
        shown = entry is not None and (on_val or bool(entry['best']['seen']) == seen)
        return entry[place]['mIoU'] if shown else NAN

    values = [value(stage) for stage in stages]
    if all(math.isnan(number) for number in values):
        return None
    return Bars(name, run_colour(name), values, [''] * len(values), hatched=seen)


def classes_by_stage(recipe: RecipeRecord) -> Matrix:
    """The IoU of every class for the winner of every stage."""
    columns = [class_scores(stage.winner['val']) for stage in recipe.fused]
    values = [[column.get(name, NAN) for column in columns] for name in recipe.classes]
    texts = [['' if math.isnan(value) else f'{value:.1f}' for value in row] for row in values]
    return Matrix(
        name='classes_by_stage',
        title='Classes over the stages, IoU of each winner on val in %',
        caption='Read a row to see when a class was learned. Empty: the class does not occur.',
        rows=recipe.classes,
        columns=[f'{stage.number}' for stage in recipe.fused],
        row_title='',
        column_title='stage',
        layers=[Layer('IoU', [[value / 100 for value in row] for row in values], texts)],
    )
