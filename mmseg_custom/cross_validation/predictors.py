"""Which fold may predict an image: one whose weights have never seen it, by their lineage."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mmseg_custom.cross_validation.stored_run import TrainedFold
from mmseg_custom.datasets.sample_files import few
from mmseg_custom.errors import UserError
from mmseg_custom.ledger.images import Images
from mmseg_custom.ledger.lineage import image_set, may_have_seen


class SeenError(UserError, RuntimeError):
    """Images that no weights can predict without having seen them; the message names some."""


@dataclass(frozen=True)
class Part:
    """Images that one fold holds out and one predicts.

    Attributes:
        holder: The fold that they are held out of.
        predictor: The fold whose weights predict them.
        names: Of the images.
        seen: Whether these weights may have been trained on them.
    """

    holder: TrainedFold
    predictor: TrainedFold
    names: tuple[str, ...]
    seen: bool


def choose_predictors(folds: Sequence[TrainedFold]) -> list[Part]:
    """Let every image be predicted by the fold that holds it out, or else by another one that has not seen it.

    What weights have seen stands in their lineage, by the content of the images: through a stage before, an average
    or unknown initial weights it may be more than their fold file says. An image that all weights may have seen is
    left to the fold that holds it out, and marked.
    """
    parts: dict[tuple[int, int, bool], list[str]] = {}
    for position, holder in enumerate(folds):
        if not _may_have_seen(holder, holder, holder.samples):
            parts[position, position, False] = list(holder.samples)
            continue
        order = [position, *(other for other in range(len(folds)) if other != position)]
        for name in holder.samples:
            unseen = next((one for one in order if not _may_have_seen(folds[one], holder, [name])), None)
            at = position if unseen is None else unseen
            parts.setdefault((position, at, unseen is None), []).append(name)
    return [Part(folds[holder], folds[at], tuple(names), seen) for (holder, at, seen), names in parts.items()]


def choose_in_sample(folds: Sequence[TrainedFold]) -> list[Part]:
    """Let every image be predicted by the next fold that was trained on it; one that none was trained on by none."""
    parts: dict[tuple[int, int], list[str]] = {}
    for position, holder in enumerate(folds):
        order = [(position + step) % len(folds) for step in range(1, len(folds))]
        for name in holder.samples:
            at = next((other for other in order if name in folds[other].trained_names), None)
            if at is not None:
                parts.setdefault((position, at), []).append(name)
    return [Part(folds[holder], folds[at], tuple(names), seen=True) for (holder, at), names in parts.items()]


def refuse_seen(parts: Sequence[Part], stage: int) -> None:
    """See that no image is predicted by weights that may have seen it.

    Raises:
        SeenError: If one is.
    """
    seen = [name for part in parts if part.seen for name in part.names]
    if seen:
        total = sum(len(part.names) for part in parts)
        first = next(part for part in parts if part.seen)
        parents = dict.fromkeys(parent['file'] for parent in first.predictor.entry['lineage'].get('parents', []))
        others = (
            'Predict by stage 1 (--stage 1), whose folds start from no other'
            if stage > 1
            else 'Train the folds from weights of known origin, or from scratch'
        )
        raise SeenError(
            f'{len(seen)} of {total} images may have been seen by all weights of stage {stage} ({few(seen)}): '
            f'{first.predictor.name} started from {", ".join(parents) or "scratch"}. {others}, or add --allow-seen: '
            'every number that such an image touches is marked.'
        )


def _may_have_seen(fold: TrainedFold, holder: TrainedFold, names: Iterable[str]) -> bool:
    images = Images.of(holder.checksums[name] for name in names)
    return may_have_seen(fold.entry['lineage'], image_set(holder.held_out, images), images)
