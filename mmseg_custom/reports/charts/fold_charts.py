"""The folds side by side: their scores with mean and deviation, and class by class."""

import math
from collections.abc import Callable, Sequence

from mmseg_custom.fusion.weight_scorer import VAL
from mmseg_custom.ledger.stage_ledger import Entry
from mmseg_custom.reports.charts.classes import class_dot_view
from mmseg_custom.reports.charts.dots import Dots, dot_view, dots_width
from mmseg_custom.reports.charts.figure import SERIES, WHY_SEEN, Figure, run_colour
from mmseg_custom.reports.findings.out_of_fold import IOU, OutOfFold
from mmseg_custom.reports.findings.recipe_record import RecipeRecord, StageRecord, held_out_scores
from mmseg_custom.reports.findings.statistics import mean_and_deviation

NAN = math.nan
POOLED = 'all images'
_MEANS = 'Black: mean and sample deviation of the folds.'

ScoreOf = Callable[[Entry], float]


def val_dots(recipe: RecipeRecord) -> Figure:
    """The mIoU of every run on val with the mean and deviation over the folds."""
    stages = [stage for stage in recipe.stages if stage.runs]
    series = fold_series(stages, _on_val, split_seen=False)
    kept = 'best' if recipe.selects_best or recipe.selects_inner else 'last'
    return Figure(
        name='folds_val',
        title='Runs on val',
        caption=f'The {kept} {recipe.unit} of every run on the official val split: what to compare. {_MEANS}',
        views={'folds': _view(stages, series, 'mIoU on val in %', _on_val)},
        min_width=dots_width(range(len(stages)), series),
    )


def held_out_dots(recipe: RecipeRecord) -> Figure:
    """The scores of every run on its held-out fold with mean, deviation and the score of all images together."""
    stages = [stage for stage in recipe.stages if stage.runs]
    scores: dict[str, ScoreOf] = {'mIoU': lambda entry: held_out_scores(entry)['mIoU']}
    own = recipe.monitor
    if own not in scores and not recipe.selects_inner:  # It is one of the inner part.
        scores[own] = lambda entry: entry['best'].get(own, NAN)
    pooled = [_pooled(stages)] if any(stage.out_of_fold for stage in stages) else []
    drawn = {name: fold_series(stages, score) + (pooled if name == 'mIoU' else []) for name, score in scores.items()}
    return Figure(
        name='folds_held_out',
        title='Runs on their held-out folds',
        caption=_caption(recipe, bool(pooled)),
        views={name: _view(stages, drawn[name], f'{name} on held-out fold in %', scores[name]) for name in scores},
        min_width=dots_width(range(len(stages)), drawn['mIoU']),
    )


def _on_val(entry: Entry) -> float:
    return entry.get(VAL, {}).get('mIoU', NAN)


def _caption(recipe: RecipeRecord, pooled: bool) -> str:
    kept = 'kept' if recipe.selects_inner else 'last'
    told = (
        f'The best {recipe.unit} of every run on its held-out fold, which chose it.'
        if recipe.selects_best
        else f'The {kept} {recipe.unit} of every run on its held-out fold; nothing was chosen on it.'
    )
    together = ' Grey: all images together, each scored by the fold that was not trained on it; whiskers: 95 % '
    seen = f' Rings: {WHY_SEEN}' if recipe.seen else ''
    return f'{told}{seen} {_MEANS}' + (f'{together}bootstrap interval.' if pooled else '')


def _view(stages: Sequence[StageRecord], series: Sequence[Dots], y_title: str, score: ScoreOf) -> dict:
    return dot_view([stage.number for stage in stages], series, y_title, fold_means(stages, score))


def fold_series(stages: Sequence[StageRecord], score: ScoreOf, split_seen: bool = True) -> list[Dots]:
    """The runs of each fold over the stages; apart, those scored on images that their weights had seen."""
    names = dict.fromkeys(name for stage in stages for name in stage.runs)
    kinds = (False, True) if split_seen else (None,)
    series = [_dots(name, seen, stages, score) for name in names for seen in kinds]
    return [one for one in series if any(map(math.isfinite, one.values))]


def fold_means(stages: Sequence[StageRecord], score: ScoreOf) -> list[tuple[float, float]]:
    """Mean and deviation of each stage; NaN for a stage without folds, whose dot says it."""
    scores = [[score(entry) for entry in stage.runs.values()] for stage in stages]
    return [mean_and_deviation(one) if len(one) > 1 else (NAN, NAN) for one in scores]


def _dots(name: str, seen: bool | None, stages: Sequence[StageRecord], score: ScoreOf) -> Dots:
    def value(stage: StageRecord) -> float:
        entry = stage.runs.get(name)
        shown = entry is not None and seen in (None, bool(entry['best']['seen']))
        return score(entry) if shown else NAN

    return Dots(name, run_colour(name), [value(stage) for stage in stages], hollow=bool(seen))


def _pooled(stages: Sequence[StageRecord]) -> Dots:
    found = [stage.out_of_fold for stage in stages]
    values = [one.pooled['mIoU'] if one else NAN for one in found]
    return Dots(POOLED, SERIES[-1], values, intervals=[one.intervals['mIoU'] if one else (NAN, NAN) for one in found])


def out_of_fold_classes(found: OutOfFold) -> Figure:
    """The IoU of every class: of each fold on its held-out images, and of all images together."""
    series = {fold.name: [fold.scores[IOU + name] for name in found.classes] for fold in found.folds}
    colours = {name: run_colour(name) for name in series} | {POOLED: '#000000'}
    series[POOLED] = [found.pooled[IOU + name] for name in found.classes]
    return Figure(
        name='classes_out_of_fold',
        title='Classes out of fold',
        caption='Each fold on its held-out images, and all images together. Where the folds are far apart a class '
        'is learned from few images, or looks different in some of them. Classes that do not occur have no dot.',
        views={'IoU': class_dot_view(found.classes, series, colours)},
    )
