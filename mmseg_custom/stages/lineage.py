"""Which images a set of weights has seen, through stages and averages."""

from collections.abc import Iterable
from typing import Any

ImageSet = dict[str, Any]
Lineage = dict[str, Any]

UNKNOWN: ImageSet = {'split': 'unknown'}
OFFICIAL_VAL: ImageSet = {'split': 'val'}
SCRATCH: Lineage = {'parents': [], 'seen': []}


def image_set(dataset: Any) -> ImageSet:
    """The images of a :class:`~mmseg_custom.datasets.KFoldDataset`, as plain data.

    Returns:
        ``split`` and, for a part of it, the ``parts`` (numbers, or ``'selection'``) and the checksum ``folds`` of the
        fold file; the whole of a split has no parts. A data set that knows no folds is ``unknown``.
    """
    if not hasattr(dataset, 'split'):
        return UNKNOWN
    if dataset.parts is None:
        return {'split': dataset.split}
    return {'split': dataset.split, 'folds': dataset.fold_split.hash, 'parts': dataset.parts}


def merge_seen(collections: Iterable[Iterable[ImageSet]]) -> list[ImageSet]:
    """The union of collections of image sets, each set once, in order of appearance."""
    merged: list[ImageSet] = []
    for collection in collections:
        merged.extend(images for images in collection if images not in merged)
    return merged


def has_seen(seen: Iterable[ImageSet], images: ImageSet) -> bool:
    """Whether weights that were trained on ``seen`` may have met one of ``images``; in doubt, yes."""
    return any(_overlap(one, images) for one in seen)


def continue_lineage(start: dict, parent: str, weights: str, images: ImageSet) -> Lineage:
    """The lineage of a run that starts from a checkpoint and trains on ``images``.

    Args:
        start: ``meta`` of the checkpoint; without a lineage of its own it counts as having seen unknown images.
        parent: Its file.
        weights: The checksum of its weights.
        images: What the run trains on.
    """
    before = lineage_of(start)['seen']
    return {'parents': [{'file': parent, 'weights': weights}], 'seen': merge_seen([before, [images]])}


def lineage_of(meta: dict) -> Lineage:
    """The lineage in a checkpoint's ``meta``; none, or one of another shape than ours, means unknown images."""
    lineage = meta.get('lineage')
    seen = lineage.get('seen') if isinstance(lineage, dict) else None
    if not isinstance(seen, list) or not all(isinstance(images, dict) and 'split' in images for images in seen):
        return {'parents': [], 'seen': [UNKNOWN]}
    return lineage


def average_lineage(parents: dict[str, dict], statistics: ImageSet | None = None) -> Lineage:
    """The lineage of an average.

    Args:
        parents: File and ledger entry (``weights``, ``lineage``) of each member.
        statistics: The images that its batch norm statistics were measured on, and their number ``images``; they
            count as seen, and stand under ``statistics``. Defaults to ``None``: the statistics are averages, too.
    """
    lineage = {
        'parents': [{'file': file, 'weights': entry['weights']} for file, entry in parents.items()],
        'seen': merge_seen(entry['lineage']['seen'] for entry in parents.values()),
    }
    if statistics is None:
        return lineage
    images = {key: value for key, value in statistics.items() if key != 'images'}
    return {**lineage, 'seen': merge_seen([lineage['seen'], [images]]), 'statistics': statistics}


def _overlap(one: ImageSet, other: ImageSet) -> bool:
    if 'unknown' in (one['split'], other['split']):
        return True
    if one['split'] != other['split']:
        return False
    comparable = 'parts' in one and 'parts' in other and one['folds'] == other['folds']
    return not comparable or bool(set(one['parts']) & set(other['parts']))
