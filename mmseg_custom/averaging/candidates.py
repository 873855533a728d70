"""Which candidates compete for a stage's winner, as a config lists them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import signature
from typing import Any

from mmseg_custom.averaging.mixtures import (
    Coefficients,
    Scores,
    all_folds,
    best_fold,
    ensemble,
    path,
    score_weighted,
    top_k,
)
from mmseg_custom.errors import UserError

Spec = str | Mapping[str, Any]
Mixture = Callable[[Scores], dict[str, Coefficients]]

REFERENCE: tuple[Spec, ...] = ('best_fold', 'all_folds', {'type': 'top_k', 'k': 3})
GREEDY_SOUP, ENSEMBLE = 'greedy_soup', 'ensemble'
MIXTURES = {function.__name__: function for function in (best_fold, all_folds, top_k, score_weighted, path, ensemble)}
# Whether a candidate's batch norm statistics are averaged like weights, measured anew, or one candidate of each.
BATCH_NORMS = {'average': (False,), 'recalibrate': (True,), 'both': (False, True)}


class CandidateError(UserError, ValueError):
    """A candidate that a config asks for in vain; the message names it and what there is."""


@dataclass(frozen=True)
class Candidate:
    """What competes for a stage's winner.

    Attributes:
        coefficients: Relative coefficient of each ingredient in the average.
        recalibrated: Whether its batch norm statistics are measured anew.
        is_ensemble: Whether its ingredients predict side by side instead: scored, but never the winner.
    """

    coefficients: Mapping[str, float]
    recalibrated: bool = False
    is_ensemble: bool = False

    @property
    def ingredient(self) -> str | None:
        """The ingredient whose file it is, ``None`` for one that is made."""
        return next(iter(self.coefficients)) if len(self.coefficients) == 1 and not self.recalibrated else None


def check_specs(specs: Iterable[Spec]) -> None:
    """See that :func:`build_candidates` can use ``specs``.

    Raises:
        CandidateError: If not.
    """
    for spec in specs:
        _read_spec(spec, greedy_soup=lambda: {})


def build_candidates(
    specs: Sequence[Spec], scores: Scores, greedy_soup: Callable[[], Coefficients] | None = None
) -> dict[str, Candidate]:
    """The candidates of a stage by name, in the order of ``specs``.

    Args:
        specs: Each the name of a function of :mod:`~mmseg_custom.averaging.mixtures`, or a dict with it as ``type``,
            its arguments, and ``bn``: ``'average'`` (the default), ``'recalibrate'`` (the candidate's name then ends
            in ``_bn``) or ``'both'``.
        scores: mIoU of each fold's best epoch by its name.
        greedy_soup: Gives the ingredients of the greedy soup, if it is asked for.

    Returns:
        The candidates; where two are the same, only the first.

    Raises:
        CandidateError: If a spec names nothing that is known.
    """
    unique: dict[str, Candidate] = {}
    for spec in specs:
        mixture, recalibrations = _read_spec(spec, greedy_soup)
        mixtures = mixture(scores)  # Once: a greedy soup takes a pass over the images for each of its ingredients.
        for recalibrated in recalibrations:
            for name, coefficients in mixtures.items():
                candidate = Candidate(coefficients, recalibrated, is_ensemble=mixture is ensemble)
                if candidate not in unique.values():
                    unique[f'{name}_bn' if recalibrated else name] = candidate
    return unique


def _read_spec(spec: Spec, greedy_soup: Callable[[], Coefficients] | None) -> tuple[Mixture, tuple[bool, ...]]:
    options = {'type': spec} if isinstance(spec, str) else dict(spec)
    kind, batch_norm = options.pop('type', None), options.pop('bn', 'average')
    known = {**MIXTURES, **({GREEDY_SOUP: lambda scores: {GREEDY_SOUP: greedy_soup()}} if greedy_soup else {})}
    if kind not in known:
        raise CandidateError(
            f'Candidate {spec!r} is unknown: its type is one of {", ".join([*MIXTURES, GREEDY_SOUP])}.'
        )
    if batch_norm not in BATCH_NORMS or (kind == ENSEMBLE and batch_norm != 'average'):
        allowed = ['average'] if kind == ENSEMBLE else list(BATCH_NORMS)
        raise CandidateError(f'Candidate {kind}: bn={batch_norm!r} cannot be done, use one of {allowed}.')
    unknown = options.keys() - list(signature(known[kind]).parameters)[1:]
    if unknown:
        raise CandidateError(
            f'Candidate {kind} has no {", ".join(sorted(unknown))}: see mmseg_custom.averaging.mixtures.'
        )
    return partial(known[kind], **options) if options else known[kind], BATCH_NORMS[batch_norm]
