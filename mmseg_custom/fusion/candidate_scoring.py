"""Building and scoring the candidates of a stage, several in one pass over the images."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mmengine.logging import print_log
from torch import Tensor

from mmseg_custom.averaging import Candidate
from mmseg_custom.averaging.mixtures import INITIAL, Coefficients, equal_coefficients, greedy_soup
from mmseg_custom.evaluation import miou_interval
from mmseg_custom.evaluation.score import ENSEMBLE
from mmseg_custom.fusion.ingredients import Ingredients
from mmseg_custom.fusion.parents import KEPT_META, average_parents, save_average
from mmseg_custom.fusion.rules import VAL, FusionRules
from mmseg_custom.fusion.weight_scorer import Scored, Scorer, ScoringOrder, StateDict
from mmseg_custom.ledger.lineage import OFFICIAL_VAL, may_have_seen
from mmseg_custom.ledger.stage_ledger import Entry, StageLedger


@dataclass(frozen=True)
class Result:
    """What the scoring has found out about one candidate.

    Attributes:
        entry: What the ledger says of it.
        matrices: The confusion matrix of each image by part, as far as the metric keeps them.
    """

    entry: Entry
    matrices: Mapping[str, Tensor]


class CandidateScoring:
    """Builds, scores and writes the candidates of a stage.

    Args:
        ledger: Of the stage.
        ingredients: What candidates are made of.
        scorer: Scores several state dicts in one pass.
        rules: How many at once, and on which images.
    """

    def __init__(self, ledger: StageLedger, ingredients: Ingredients, scorer: Scorer, rules: FusionRules) -> None:
        self.ledger, self.ingredients, self.scorer, self.rules = ledger, ingredients, scorer, rules

    def greedy_soup(self) -> Coefficients:
        """The greedy soup over all snapshots of all runs; each but the best one takes a pass over the images."""
        return greedy_soup(self.ingredients.snapshot_scores, self._score_mixture)

    def run(self, candidates: Mapping[str, Candidate]) -> dict[str, Result]:
        """The results of the candidates and of what the stage started with, by name.

        At most ``rules.at_once`` sets of weights are in memory, or as many as the ensemble has ingredients.
        """
        ingredients = next((list(one.coefficients) for one in candidates.values() if one.is_ensemble), [])
        networks = {c.ingredient or name: c for name, c in candidates.items() if not c.is_ensemble}
        alone = [*ingredients, *([INITIAL] if INITIAL in self.ingredients.parents else [])]
        networks |= {name: Candidate(equal_coefficients([name])) for name in alone}
        results: dict[str, Result] = {}
        for names in in_chunks(networks, ingredients, self.rules.at_once):
            chunk = {name: networks[name] for name in names}
            results |= self._score(chunk, ingredients if not results else [])
        names = {name: candidate.ingredient or name for name, candidate in candidates.items()}
        return {name: results[network] for name, network in {**names, INITIAL: INITIAL}.items() if network in results}

    def _score(self, chunk: Mapping[str, Candidate], ensemble: Sequence[str]) -> dict[str, Result]:
        weights = {name: self._average(candidate.coefficients) for name, candidate in chunk.items()}
        recalibrated = [name for name, candidate in chunk.items() if candidate.recalibrated]
        scored = self.scorer(ScoringOrder(weights, ensemble, recalibrated, self.rules.parts))
        found = {name: self._result(name, chunk[name], weights[name], scored[name]) for name in chunk}
        if ensemble:
            entry = {'ingredients': list(ensemble), **scored[ENSEMBLE].scores}
            found[ENSEMBLE] = self._with_interval(ENSEMBLE, entry, scored[ENSEMBLE])
        return found

    def _result(self, name: str, candidate: Candidate, weights: StateDict, scored: Scored) -> Result:
        parents, ingredient = self.ingredients.of(candidate.coefficients), candidate.ingredient
        entry: Entry = {'ingredients': list(candidate.coefficients), **scored.scores}
        if ingredient:
            recorded = self.ingredients.records.get(ingredient, {})
            entry |= {'file': parents[0].file, 'weights': parents[0].checksum, 'lineage': parents[0].lineage}
            entry |= {part: recorded[part] for part in self.rules.parts if part in recorded}
        else:
            path, kept = self.ledger.draft_path(name), (*KEPT_META, 'cfg')
            entry |= save_average(scored.weights or weights, parents, path, kept, scored.statistics)
        if len(set(candidate.coefficients.values())) > 1:
            entry['coefficients'] = list(candidate.coefficients.values())
        entry['seen'] = may_have_seen(entry['lineage'], *scored.images.get(VAL, (OFFICIAL_VAL, None)))
        return self._with_interval(name, entry, scored)

    def _with_interval(self, name: str, entry: Entry, scored: Scored) -> Result:
        intervals = {part: list(miou_interval(matrices)) for part, matrices in scored.matrices.items()}
        if intervals:
            entry['interval'] = intervals
        told = ', '.join(describe(part, entry) for part in self.rules.parts)
        print_log(f'{self.ledger.folder.name} {name} ({", ".join(entry["ingredients"])}): {told}', logger='current')
        return Result(entry, scored.matrices)

    def _average(self, coefficients: Coefficients) -> StateDict:
        return average_parents(self.ingredients.of(coefficients), list(coefficients.values()))

    def _score_mixture(self, coefficients: Coefficients) -> float:
        part = self.rules.select_on
        return self.scorer(ScoringOrder({'': self._average(coefficients)}, parts=(part,)))[''].scores[part]['mIoU']


def in_chunks(names: Mapping[str, Candidate], together: Sequence[str], size: int) -> Iterator[list[str]]:
    """Names in lists of at most ``size``, those that have to be ``together`` all in the first."""
    others = [name for name in names if name not in together]
    room = max(size - len(together), 0)
    if together or others[:room]:
        yield [*together, *others[:room]]
    for first in range(room, len(others), size):
        yield others[first : first + size]


def describe(part: str, entry: Entry) -> str:
    """A candidate's mIoU on a part, its interval, and whether its weights have seen the images."""
    interval = entry.get('interval', {}).get(part)
    between = f' [{interval[0]:.2f}, {interval[1]:.2f}]' if interval else ''
    seen = ' (seen)' if entry.get('seen') and part == 'val' else ''
    return f'{entry[part]["mIoU"]:.2f} mIoU on {part}{between}{seen}'
