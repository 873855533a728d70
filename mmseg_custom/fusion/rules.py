"""What the folds of a stage start from, and how it chooses its winner."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from mmseg_custom.averaging import REFERENCE, build_candidates, check_specs
from mmseg_custom.averaging.candidates import Spec
from mmseg_custom.averaging.mixtures import equal_coefficients
from mmseg_custom.config import OWN_FOLD
from mmseg_custom.datasets.folds.fold_file import HOLDOUT
from mmseg_custom.errors import StageError
from mmseg_custom.fusion.weight_scorer import HELD_OUT, VAL
from mmseg_custom.ledger.lineage import OFFICIAL_VAL, ImageSet

TIES = ('higher', 'simpler')
WINNER = 'winner'
INITS = (WINNER, OWN_FOLD)


@dataclass(frozen=True)
class FusionRules:
    """What the folds start from, and how a stage chooses its winner; the defaults are the reference recipe's.

    Attributes:
        candidates: What competes, as :func:`~mmseg_custom.averaging.build_candidates` reads it. Those named first
            count as simpler. None: the stage is not fused.
        out_of_fold: Whether every run is also scored on its held-out images, image by image: all images of the
            training data then have a prediction by weights that were not trained on them.
        select_on: The images that choose candidates and winner: ``'val'``, the official split, or ``'holdout'``,
            those that ``folds=dict(holdout=...)`` keeps out of training; val then only reports.
        tie: Who wins where the paired difference to the highest score may as well be 0: the ``'higher'`` score all
            the same, or the ``'simpler'`` candidate.
        init: Where ``load_from`` is the winner of the stage before, a fold starts from this ``'winner'``, or from its
            ``'own_fold'`` of that stage, which has never trained on its held-out images.
        at_once: Candidates held in memory, and on the device, together: each image is read once for all of them.
            8 DeepLabV3+ of 27 million weights are 0.9 GB.

    Raises:
        CandidateError: If a candidate is unknown.
        StageError: If another value is.
    """

    candidates: Sequence[Spec] = REFERENCE
    out_of_fold: bool = False
    select_on: str = VAL
    tie: str = 'higher'
    init: str = WINNER
    at_once: int = 8

    def __post_init__(self) -> None:
        check_specs(self.candidates)
        if self.select_on not in (VAL, HOLDOUT):
            raise StageError(f"fold_average.select_on={self.select_on!r} is unknown: use 'val' or 'holdout'.")
        if self.tie not in TIES:
            raise StageError(f'fold_average.tie={self.tie!r} is unknown: use one of {TIES}.')
        if self.init not in INITS:
            raise StageError(f'fold_average.init={self.init!r} is unknown: use one of {INITS}.')
        if self.at_once < 1:
            raise StageError(f'fold_average.at_once={self.at_once} holds no candidate: use 1 or more.')

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> 'FusionRules':
        """Those among the settings of a config's ``default_hooks.fold_average``."""
        return cls(**{field.name: settings[field.name] for field in fields(cls) if field.name in settings})

    def count_averages(self, folds: int) -> int:
        """The number of files that the candidates of a stage with so many folds are."""
        scores = {f'fold{k}': float(k) for k in range(1, folds + 1)}
        soup = {**equal_coefficients(scores), 'fold_last': 1.0}
        candidates = build_candidates(self.candidates, scores, lambda: soup)
        return sum(candidate.ingredient is None and not candidate.is_ensemble for candidate in candidates.values())

    def check_validation(self, images: ImageSet) -> None:
        """See that val chooses nothing where it shall only report.

        Args:
            images: What a run validates on, and chooses its best epoch by.

        Raises:
            StageError: If that is val all the same.
        """
        if self.select_on != VAL and images == OFFICIAL_VAL:
            raise StageError(
                f'fold_average.select_on={self.select_on!r} keeps val for reports alone, but val_dataloader chooses '
                "epochs on it: set val_dataloader.dataset.part='holdout'."
            )

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of the data set that every candidate is scored on."""
        return tuple(dict.fromkeys((VAL, self.select_on))) if self.candidates else ()

    @property
    def parts_of_a_run(self) -> tuple[str, ...]:
        """The parts that the weights of every run are scored on."""
        return (*self.parts, *([HELD_OUT] if self.out_of_fold else []))
