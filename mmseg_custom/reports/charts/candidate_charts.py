"""The figures of the candidates: scores, the path from the initial weights to the average, the repeats' winners."""

import math
from collections.abc import Sequence

from mmseg_custom.fusion.winner import may_equal_winner
from mmseg_custom.reports.charts.kinds import SERIES, BarChart, Bars, ClassDots, Line, LineChart
from mmseg_custom.reports.findings.loss_barrier import WeightPath, describe_loss_barriers, find_paths, is_on_path
from mmseg_custom.reports.findings.recipe_record import RecipeRecord, StageRecord, class_scores, val_interval
from mmseg_custom.reports.findings.repeats import Spread, seeds_of, winners_of
from mmseg_custom.reports.findings.statistics import mean_and_deviation

NAN = math.nan
WINNER_MARK, EQUAL_MARK = '★', '≈'


def candidate_bars(recipe: RecipeRecord) -> BarChart:
    """The candidates of every stage side by side, with their intervals; points of a path only where they win."""
    stages = recipe.fused
    winners = {stage.outcome['winner'] for stage in stages}
    names = dict.fromkeys(name for stage in stages for name in stage.candidates)
    names = [name for name in names if name in winners or not is_on_path(name)]
    series = [
        Bars(
            name.replace('_', ' '),
            SERIES[-1] if name == 'full' else SERIES[i % (len(SERIES) - 1)],
            [stage.candidates[name]['val']['mIoU'] if name in stage.candidates else NAN for stage in stages],
            [_mark(stage, name) for stage in stages],
            intervals=[val_interval(stage.candidates.get(name, {})) for stage in stages],
        )
        for i, name in enumerate(sorted(names, key=lambda name: name == 'full'))
    ]
    return BarChart(
        name='candidates',
        title='Candidates, mIoU on val in %',
        caption=_candidate_caption(recipe, names, series),
        groups=[f'stage {stage.number}' for stage in stages],
        series=series,
    )


def _mark(stage: StageRecord, name: str) -> str:
    if name == stage.outcome['winner']:
        return WINNER_MARK
    return EQUAL_MARK if may_equal_winner(stage.candidates.get(name, {})) else ''


def _candidate_caption(recipe: RecipeRecord, names: Sequence[str], series: Sequence[Bars]) -> str:
    chosen = 'chosen by this score' if recipe.chosen_on_val else 'chosen on images kept for that'
    text = f'The candidates of every stage on the official val split; {WINNER_MARK} is the winner, {chosen}.'
    if any(not math.isnan(low) for bars in series for low, _ in bars.intervals):
        text += ' Whiskers: 95 % bootstrap intervals over the images.'
    if any(EQUAL_MARK in bars.marks for bars in series):
        text += f' {EQUAL_MARK}: the difference to the winner, image by image, may as well be 0.'
    left_out = any(name not in names for stage in recipe.fused for name in stage.candidates)
    return text + (' The points of a path are in a figure of their own.' if left_out else '')


def candidate_classes(stage: StageRecord) -> ClassDots:
    """The candidates of one stage, class by class."""
    scores = {name: class_scores(entry['val']) for name, entry in stage.candidates.items()}
    classes = list(next(iter(scores.values())))
    return ClassDots(
        name='candidate_classes',
        title=f'Candidates of stage {stage.number} by class, IoU on val in %',
        caption='Where the candidates agree, the dots lie on each other. Classes that do not occur have none.',
        classes=classes,
        series=[
            (name.replace('_', ' '), SERIES[i % len(SERIES)], [values.get(key, NAN) for key in classes])
            for i, (name, values) in enumerate(scores.items())
        ],
    )


def path_chart(recipe: RecipeRecord) -> list[LineChart]:
    """The path from the initial weights of every stage through the average of its folds, if one was scored."""
    paths = [path for stage in recipe.fused for path in find_paths(stage)]
    lines = [
        Line(path.name, SERIES[i % len(SERIES)], path.points, path.recalibrated, path.band)
        for i, path in enumerate(paths)
    ]
    if not lines:
        return []
    return [
        LineChart(
            name='path',
            title=f'From initial weights to average, mIoU on val in %: {describe_loss_barriers(paths)}',
            caption=_path_caption(paths),
            lines=lines,
            x_title='position on the path',
        )
    ]


def _path_caption(paths: Sequence[WeightPath]) -> str:
    verdicts = '; '.join(f'{path.name}: {path.verdict}' for path in paths)
    return (
        '0 is what the stage started with, 1 the average of all folds, more is beyond it. Scores between the ends '
        f'that are lower than both are a loss barrier. Bands: 95 % bootstrap intervals over images. Here: {verdicts}.'
    )


def repeat_bars(records: Sequence[RecipeRecord]) -> list[BarChart]:
    """The winners of all repeats side by side with mean and deviation over the seeds, if there are several."""
    winners = winners_of(records)
    if not winners:
        return []
    series = [
        Bars(f'seed {seed}', SERIES[i % len(SERIES)], _winner_scores(record, winners), [''] * len(winners))
        for i, (seed, record) in enumerate(zip(seeds_of(records), records, strict=True))
    ]
    return [
        BarChart(
            name='repeats',
            title=f'Winners of {len(records)} seeds, mIoU on val in %',
            caption='The winner of every stage in every repeat. Whiskers: mean and sample deviation over the seeds.',
            groups=[f'stage {spread.stage}' for spread in winners],
            series=series,
            means=[mean_and_deviation(spread.scores) for spread in winners],
        )
    ]


def _winner_scores(record: RecipeRecord, winners: Sequence[Spread]) -> list[float]:
    scores = {stage.number: stage.winner['val']['mIoU'] for stage in record.fused}
    return [scores.get(spread.stage, NAN) for spread in winners]
