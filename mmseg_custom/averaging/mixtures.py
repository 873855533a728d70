"""Which folds make a candidate, and how much each of them counts: pure functions of the folds' scores."""

import math
from collections.abc import Callable, Iterable, Mapping

Coefficients = dict[str, float]
Scores = Mapping[str, float]

INITIAL = 'initial'


def rank_folds(scores: Scores) -> list[str]:
    """Names, best score first and NaN last; of equal scores the earlier name."""
    return sorted(scores, key=lambda name: (math.isnan(scores[name]), -scores[name], fold_order(name)))


def fold_order(name: str) -> tuple[int, str]:
    """A sort key that puts ``fold10`` behind ``fold9``."""
    return len(name), name


def equal_coefficients(names: Iterable[str]) -> Coefficients:
    """The uniform average of ``names``, in fold order."""
    return dict.fromkeys(sorted(names, key=fold_order), 1.0)


def best_fold(scores: Scores) -> dict[str, Coefficients]:
    """``best_fold``, the fold with the highest score; a single run has its own name."""
    ranked = rank_folds(scores)
    name = 'best_fold' if len(ranked) > 1 else ''.join(ranked)
    return {name: equal_coefficients(ranked[:1])} if ranked else {}


def all_folds(scores: Scores) -> dict[str, Coefficients]:
    """``all_folds``, the uniform average of all."""
    return {'all_folds': equal_coefficients(scores)} if scores else {}


def top_k(scores: Scores, k: int | None = None) -> dict[str, Coefficients]:
    """``top<k>``, the uniform average of the best folds.

    Args:
        scores: mIoU by fold, K of them.
        k: How many, at most K - 1. Defaults to ``None``: one average for each of 2 to K - 1.
    """
    ranked = rank_folds(scores)
    sizes = range(2, len(ranked)) if k is None else [min(k, len(ranked) - 1)]
    return {f'top{size}': equal_coefficients(ranked[:size]) for size in sizes if size > 0}


def score_weighted(scores: Scores, temperature: float = 1.0) -> dict[str, Coefficients]:
    """``score_weighted``, the average of all folds that have a score, the better ones counting more.

    Args:
        scores: mIoU by fold, in percent.
        temperature: So many points of mIoU ahead count e times as much. Defaults to 1.
    """
    finite = {name: scores[name] for name in sorted(scores, key=fold_order) if math.isfinite(scores[name])}
    best = max(finite.values(), default=0.0)
    coefficients = {name: math.exp((score - best) / temperature) for name, score in finite.items()}
    return {'score_weighted': coefficients} if coefficients else {}


def path(scores: Scores, steps: Iterable[float] = (0.25, 0.5, 0.75, 1.0, 1.25)) -> dict[str, Coefficients]:
    """``path_<t>``, points on the line from what the stage started with (t = 0) to the average of all folds (t = 1).

    Where the scores between the ends are lower than both, a loss barrier lies between them
    (Frankle et al. 2020, https://arxiv.org/abs/1912.05671).

    Args:
        scores: mIoU by fold.
        steps: Values of t; more than 1 goes beyond the average.
    """
    count = len(scores)
    points = {t: {**dict.fromkeys(equal_coefficients(scores), t), INITIAL: count * (1 - t)} for t in steps}
    return {f'path_{t:g}': {name: weight for name, weight in point.items() if weight} for t, point in points.items()}


def ensemble(scores: Scores) -> dict[str, Coefficients]:
    """``ensemble``, all folds side by side: the mean of their softmax probabilities."""
    return {'ensemble': equal_coefficients(scores)} if len(scores) > 1 else {}


def greedy_soup(scores: Scores, score_of: Callable[[Coefficients], float]) -> Coefficients:
    """The greedy soup (Wortsman et al. 2022, https://arxiv.org/abs/2203.05482).

    Snapshots are added to the average one by one, best first; one that makes it worse is left out again.

    Args:
        scores: mIoU by snapshot.
        score_of: The mIoU of an average; called once for each snapshot but the best.
    """
    first, *others = rank_folds(scores)
    soup, best = equal_coefficients([first]), scores[first]
    for name in others:
        larger = equal_coefficients([*soup, name])
        score = score_of(larger)
        if score >= best:
            soup, best = larger, score
    return soup
