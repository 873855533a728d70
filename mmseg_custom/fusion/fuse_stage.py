"""From the finished folds of a stage to its winner."""

import math
from collections.abc import Mapping
from typing import Any

from mmengine.logging import print_log
from torch import Tensor

from mmseg_custom.averaging import build_candidates
from mmseg_custom.averaging.mixtures import INITIAL
from mmseg_custom.errors import StageError
from mmseg_custom.evaluation import gain_interval
from mmseg_custom.evaluation.score import ENSEMBLE
from mmseg_custom.fusion.candidate_scoring import CandidateScoring, Result
from mmseg_custom.fusion.gain import explain_no_gain, no_significant_gain
from mmseg_custom.fusion.ingredients import read_ingredients
from mmseg_custom.fusion.rules import VAL, FusionRules
from mmseg_custom.fusion.weight_scorer import Scorer
from mmseg_custom.ledger.stage_ledger import Entry, StageLedger

BEHIND = 'behind_winner'


def choose_winner(
    ledger: StageLedger, run_names: list[str], scorer: Scorer, rules: FusionRules | None = None
) -> Entry:
    """Build and score the candidates of a complete stage, and enter the best as its winner.

    Folds are averaged in fold order, whatever order they finished in. Of equal candidates the simpler one wins.

    Args:
        ledger: Of the stage.
        run_names: The names of all its runs.
        scorer: Gives the metrics of state dicts, as :meth:`~mmseg_custom.fusion.weight_scorer.WeightScorer.together`.
        rules: What competes, on which images, and what a tie means. Defaults to ``None``: the reference recipe's.

    Returns:
        The outcome as entered.

    Raises:
        StageError: If a run is missing, its weights are not those of the ledger, or nothing competes.
    """
    rules = rules or FusionRules()
    pool = read_ingredients(ledger, run_names, rules.select_on)
    ledger.forget_drafts()
    scoring = CandidateScoring(ledger, pool, scorer, rules)
    candidates = build_candidates(rules.candidates, pool.scores, scoring.greedy_soup)
    candidates = {name: c for name, c in candidates.items() if pool.parents.keys() >= c.coefficients.keys()}
    results = scoring.run(candidates)
    competing = {name: results[name] for name, candidate in candidates.items() if not candidate.is_ensemble}
    if not competing:
        raise StageError(f'{ledger.folder}: none of fold_average.candidates={list(rules.candidates)} can win.')
    best = pick(competing, rules.select_on, rules.tie)
    _measure_distances(competing, competing[best])
    outcome = {
        'stage': ledger.folder.name,
        'runs': {name: entry['weights'] for name, entry in pool.entries.items()},
        'candidates': {name: result.entry for name, result in competing.items()},
        **{name: results[name].entry for name in (ENSEMBLE, INITIAL) if name in results},
        'winner': best,
        'weights': competing[best].entry['weights'],
        'selected_on': rules.select_on,
        **_gain(ledger, results.get(INITIAL), competing[best], rules.select_on),
    }
    ledger.record_outcome(outcome, ledger.folder / competing[best].entry['file'])
    return outcome


def pick(results: Mapping[str, Result], part: str, tie: str) -> str:
    """The name of the winner.

    Args:
        results: Of the candidates, the simpler ones first.
        part: The part of the data set that chooses.
        tie: Who wins where the paired difference to the highest score may as well be 0: ``'higher'`` or
            ``'simpler'``.
    """
    best = max(results, key=lambda name: _comparable(results[name].entry[part]['mIoU']))
    if tie == 'simpler':
        highest = results[best].matrices.get(part)
        return next((name for name in results if may_be_equal(results[name].matrices.get(part), highest)), best)
    return best


def may_be_equal(first: Tensor | None, second: Tensor | None) -> bool:
    """Whether 0 is in the 95 % interval of the paired difference in mIoU; ``False`` for what is unknown."""
    if first is None or second is None:
        return False
    low, high = gain_interval(first, second)
    return low <= 0 <= high


def may_equal_winner(candidate: Entry) -> bool:
    """Whether the record of a candidate leaves open that it is as good on val as the winner."""
    low, high = candidate.get(BEHIND, {}).get(VAL, (math.nan, math.nan))
    return low <= 0 <= high


def _measure_distances(candidates: Mapping[str, Result], winner: Result) -> None:
    """Enter the 95 % interval of the paired difference to the winner, by part and in points of mIoU."""
    for other in candidates.values():
        if other is not winner and other.matrices:
            other.entry[BEHIND] = {
                part: list(gain_interval(other.matrices[part], winner.matrices[part])) for part in other.matrices
            }


def _gain(ledger: StageLedger, start: Result | None, winner: Result, part: str) -> dict[str, Any]:
    """What the stage has won over its initial weights, for the outcome; logged where it may as well be nothing."""
    if start is None or part not in start.matrices or part not in winner.matrices:
        return {}
    points = winner.entry[part]['mIoU'] - start.entry[part]['mIoU']
    interval = gain_interval(start.matrices[part], winner.matrices[part])
    found = {'gain': {'part': part, 'mIoU': points, 'interval': list(interval)}}
    if no_significant_gain(found):
        print_log(f'{ledger.folder.name}: the winner {explain_no_gain(found)}.', logger='current')
    return found


def _comparable(score: float) -> float:
    return -math.inf if math.isnan(score) else score
