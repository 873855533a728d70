"""The figures of the candidates: scores, the path from the initial weights to the average, the repeats' winners."""

import math
from collections.abc import Sequence

from mmseg_custom.fusion.fuse_stage import may_equal_winner
from mmseg_custom.reports.charts.classes import class_dot_view
from mmseg_custom.reports.charts.dots import Dots, dot_view, dots_width
from mmseg_custom.reports.charts.figure import SERIES, Figure
from mmseg_custom.reports.charts.lines import Line, line_view
from mmseg_custom.reports.findings.loss_barrier import WeightPath, describe_loss_barriers, find_paths, is_on_path
from mmseg_custom.reports.findings.recipe_record import RecipeRecord, StageRecord, class_scores, val_interval
from mmseg_custom.reports.findings.repeats import Spread, seeds_of, winners_of
from mmseg_custom.reports.findings.statistics import mean_and_deviation

NAN = math.nan
WINNER_MARK, EQUAL_MARK = '★', '≈'


def candidate_dots(recipe: RecipeRecord) -> Figure:
    """The candidates of every stage side by side, with their intervals."""
    numbers, series = [stage.number for stage in recipe.fused], candidate_series(recipe)
    heads = [f'{WINNER_MARK} {stage.winner["val"]["mIoU"]:.1f}' for stage in recipe.fused]
    return Figure(
        name='candidates',
        title='Candidates',
        caption=_candidate_caption(recipe, series),
        views={'candidates': dot_view(numbers, series, 'mIoU on val in %', heads=heads)},
        min_width=dots_width(numbers, series),
    )


def candidate_series(recipe: RecipeRecord) -> list[Dots]:
    """The scores of each candidate over the stages; points of a path only where they win."""
    stages = recipe.fused
    names = sorted(shown_candidates(stages), key=lambda name: name == 'full')
    return [
        Dots(
            name.replace('_', ' '),
            SERIES[-1] if name == 'full' else SERIES[i % (len(SERIES) - 1)],
            [stage.candidates[name]['val']['mIoU'] if name in stage.candidates else NAN for stage in stages],
            [_mark(stage, name) for stage in stages],
            intervals=[val_interval(stage.candidates.get(name, {})) for stage in stages],
        )
        for i, name in enumerate(names)
    ]


def shown_candidates(stages: Sequence[StageRecord]) -> list[str]:
    """The names of the candidates, without the points of a path that win nowhere."""
    winners = {stage.outcome['winner'] for stage in stages if stage.outcome}
    names = dict.fromkeys(name for stage in stages for name in stage.candidates)
    return [name for name in names if name in winners or not is_on_path(name)]


def _mark(stage: StageRecord, name: str) -> str:
    if name == stage.outcome['winner']:
        return WINNER_MARK
    return EQUAL_MARK if may_equal_winner(stage.candidates.get(name, {})) else ''


def _candidate_caption(recipe: RecipeRecord, series: Sequence[Dots]) -> str:
    chosen = 'chosen by this score' if recipe.chosen_on_val else 'chosen on images kept for that'
    text = f'The candidates of every stage on the official val split; {WINNER_MARK} is the winner, {chosen}.'
    if any(not math.isnan(low) for one in series for low, _ in one.intervals):
        text += ' Whiskers: 95 % bootstrap intervals over the images.'
    if any(EQUAL_MARK in one.marks for one in series):
        text += f' {EQUAL_MARK}: the difference to the winner, image by image, may as well be 0.'
    names = shown_candidates(recipe.fused)
    left_out = any(name not in names for stage in recipe.fused for name in stage.candidates)
    return text + (' The points of a path are in a figure of their own.' if left_out else '')


def candidate_classes(stage: StageRecord) -> Figure:
    """The candidates of one stage, class by class."""
    names = shown_candidates([stage])
    scores = {name.replace('_', ' '): class_scores(stage.candidates[name]['val']) for name in names}
    classes = list(next(iter(scores.values())))
    series = {name: [values.get(key, NAN) for key in classes] for name, values in scores.items()}
    colours = {name: SERIES[i % len(SERIES)] for i, name in enumerate(series)}
    return Figure(
        name='candidate_classes',
        title=f'Candidates of stage {stage.number} by class, on val',
        caption='Where the candidates agree, the dots lie on each other. Classes that do not occur have none.',
        views={'classes': class_dot_view(classes, series, colours)},
    )


def path_chart(recipe: RecipeRecord) -> list[Figure]:
    """The path from the initial weights of every stage through the average of its folds, if one was scored."""
    paths = [path for stage in recipe.fused for path in find_paths(stage)]
    if not paths:
        return []
    lines = [
        Line(path.name, SERIES[i % len(SERIES)], path.points, path.recalibrated, path.band)
        for i, path in enumerate(paths)
    ]
    return [
        Figure(
            name='path',
            title=f'From initial weights to average: {describe_loss_barriers(paths)}',
            caption=_path_caption(paths),
            views={'path': line_view(lines, 'position on the path', 'mIoU on val in %')},
        )
    ]


def _path_caption(paths: Sequence[WeightPath]) -> str:
    verdicts = '; '.join(f'{path.name}: {path.verdict}' for path in paths)
    here = f' Here: {verdicts}.' if len({path.verdict for path in paths}) > 1 else ''
    return (
        '0 is what the stage started with, 1 the average of all folds, more is beyond it. Scores between the ends '
        f'that are lower than both are a loss barrier. Bands: 95 % bootstrap intervals over the images.{here}'
    )


def repeat_dots(records: Sequence[RecipeRecord]) -> list[Figure]:
    """The winners of all repeats side by side with mean and deviation over the seeds, if there are several."""
    winners = winners_of(records)
    if not winners:
        return []
    series = [
        Dots(f'seed {seed}', SERIES[i % len(SERIES)], _winner_scores(record, winners))
        for i, (seed, record) in enumerate(zip(seeds_of(records), records, strict=True))
    ]
    means = [mean_and_deviation(spread.scores) for spread in winners]
    numbers = [spread.stage for spread in winners]
    return [
        Figure(
            name='repeats',
            title=f'Repeats: the winners of {len(records)} seeds',
            caption='The winner of every stage in every repeat. Black: mean and sample deviation over the seeds.',
            views={'repeats': dot_view(numbers, series, 'mIoU on val in %', means)},
            min_width=dots_width(numbers, series),
        )
    ]


def _winner_scores(record: RecipeRecord, winners: Sequence[Spread]) -> list[float]:
    scores = {stage.number: stage.winner['val']['mIoU'] for stage in record.fused}
    return [scores.get(spread.stage, NAN) for spread in winners]
