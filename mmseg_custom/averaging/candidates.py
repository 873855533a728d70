"""Which averages of a stage's folds compete for its winner."""

import math
from collections.abc import Mapping


def rank_folds(scores: Mapping[str, float]) -> list[str]:
    """Fold names, best score first and NaN last; of equal scores the earlier name."""
    return sorted(scores, key=lambda name: (math.isnan(scores[name]), -scores[name], fold_order(name)))


def fold_order(name: str) -> tuple[int, str]:
    """A sort key that puts ``fold10`` behind ``fold9``."""
    return len(name), name


def candidate_members(scores: Mapping[str, float]) -> dict[str, list[str]]:
    """The members of each candidate of the reference recipe.

    Args:
        scores: mIoU of each fold's best checkpoint on the official val split, by fold name.

    Returns:
        ``best_fold``, ``all_folds`` and ``top<k>`` with k = min(3, K - 1), each with its members in fold order.
        Where two candidates have the same members, only the first is kept; a single run is its own candidate.
    """
    ranked = rank_folds(scores)
    if len(ranked) < 2:
        return {name: [name] for name in ranked}
    top = min(3, len(ranked) - 1)
    candidates = {'best_fold': ranked[:1], 'all_folds': ranked, f'top{top}': ranked[:top]}
    unique: dict[str, list[str]] = {}
    for name, members in candidates.items():
        ordered = sorted(members, key=fold_order)
        if ordered not in unique.values():
            unique[name] = ordered
    return unique
