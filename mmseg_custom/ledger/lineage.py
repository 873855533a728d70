"""Which images a set of weights has seen, through stages and averages."""

from collections.abc import Iterable, Sequence
from typing import Any

from mmseg_custom.ledger.images import Images, leaves

ImageSet = dict[str, Any]
Lineage = dict[str, Any]

UNKNOWN: ImageSet = {'split': 'unknown'}
OFFICIAL_VAL: ImageSet = {'split': 'val'}
SCRATCH: Lineage = {'parents': [], 'seen': []}
PRETRAINED, LISTED = 'pretrained', 'images'
# In a lineage: the images behind all of its sets, and whether they are all; lineages of earlier versions have none.
IMAGES, COMPLETE = 'images', 'complete'
# In what is handed on about batch norm statistics: the images themselves, besides their name and number.
IDENTITIES = 'identities'


def image_set(dataset: Any, images: Images | None = None) -> ImageSet:
    """What the images of a data set are called, as plain data.

    Args:
        dataset: A :class:`~mmseg_custom.datasets.KFoldDataset`, any other data set, or wrappers around them.
        images: Its images, if they are known.

    Returns:
        Of a single ``KFoldDataset`` ``split`` and, for a part of it, the ``parts`` (numbers, or ``'holdout'``) and
        the checksum ``folds`` of the fold file; the whole of a split has no parts. Of others the checksum of their
        ``images``; ``unknown`` if these are not known.
    """
    leaf, *others = leaves(dataset)
    if others or not hasattr(leaf, 'fold_split'):
        return UNKNOWN if images is None else {'split': LISTED, 'checksum': images.checksum()}
    if leaf.parts is None:
        return {'split': leaf.split}
    return {'split': leaf.split, 'folds': leaf.fold_split.hash, 'parts': leaf.parts}


def merge_seen(collections: Iterable[Iterable[ImageSet]]) -> list[ImageSet]:
    """The union of collections of image sets, each set once, in order of appearance."""
    merged: list[ImageSet] = []
    for collection in collections:
        merged.extend(images for images in collection if images not in merged)
    return merged


def has_seen(seen: Iterable[ImageSet], images: ImageSet) -> bool:
    """Whether weights that were trained on ``seen`` may have met one of ``images``, by their names; in doubt, yes."""
    return any(_overlap(one, images) for one in seen)


def may_have_seen(lineage: Lineage, name: ImageSet, images: Images | None) -> bool:
    """Whether weights with a lineage may have met one of some images; in doubt, yes.

    The images themselves decide where all are known, whatever the splits are called; else the names.

    Args:
        lineage: Of the weights.
        name: An :func:`image_set`.
        images: Its images, ``None`` if they are not known.
    """
    known = seen_images(lineage)
    if known is not None and images is not None:
        if known.shares_some_with(images):
            return True
        if _is_complete(lineage):
            return any(_same_parts(one, name) for one in lineage['seen'])
    return has_seen(lineage['seen'], name)


def with_images(lineage: Lineage, name: ImageSet, images: Images | None) -> Lineage:
    """A lineage of weights that are trained on more images.

    Args:
        lineage: What it was.
        name: An :func:`image_set`.
        images: Its images, ``None`` if they are not known.
    """
    seen, known = lineage['seen'], seen_images(lineage)
    complete = _is_complete(lineage) or all(one == name or one['split'] == PRETRAINED for one in seen)
    listed = images is not None or (name in seen and known is not None)
    return {
        **{key: value for key, value in lineage.items() if key != IMAGES},
        'seen': merge_seen([seen, [name]]),
        **_listed([known, images], complete and listed),
    }


def lineage_from(start: dict[str, Any], parent: str, weights: str) -> Lineage:
    """The lineage of a run that starts from a checkpoint, before it trains.

    Args:
        start: ``meta`` of the checkpoint; without a lineage of its own it counts as having seen unknown images.
        parent: Its file.
        weights: The checksum of its weights.
    """
    before = {key: value for key, value in lineage_of(start).items() if key != 'statistics'}
    return {**before, 'parents': [{'file': parent, 'weights': weights}]}


def lineage_of(meta: dict[str, Any]) -> Lineage:
    """The lineage in a checkpoint's ``meta``; none, or one of another shape than ours, means unknown images."""
    found = meta.get('lineage')
    lineage: Lineage = found if isinstance(found, dict) else {}
    seen = lineage.get('seen')
    if not isinstance(seen, list) or not all(isinstance(images, dict) and 'split' in images for images in seen):
        return {'parents': [], 'seen': [UNKNOWN]}
    if not isinstance(lineage.get('parents'), list):
        lineage = {**lineage, 'parents': []}
    return lineage


def merge_lineages(lineages: Sequence[Lineage]) -> Lineage:
    """The lineage of weights that are made of others, with the parents of all."""
    return {
        'parents': [parent for one in lineages for parent in one.get('parents', [])],
        'seen': merge_seen(one['seen'] for one in lineages),
        **_listed([seen_images(one) for one in lineages], all(_is_complete(one) for one in lineages)),
    }


def average_lineage(parents: dict[str, dict[str, Any]], statistics: ImageSet | None = None) -> Lineage:
    """The lineage of an average.

    Args:
        parents: File and ledger entry (``weights``, ``lineage``) of each ingredient.
        statistics: The images that its batch norm statistics were measured on, and their number ``images``; they
            count as seen, and stand under ``statistics``. Defaults to ``None``: the statistics are averages, too.
    """
    lineage = merge_lineages([entry['lineage'] for entry in parents.values()])
    lineage['parents'] = [{'file': file, 'weights': entry['weights']} for file, entry in parents.items()]
    if statistics is None:
        return lineage
    name = {key: value for key, value in statistics.items() if key not in ('images', IDENTITIES)}
    found = Images.from_text(statistics.get(IDENTITIES))
    return {**with_images(lineage, name, found), 'statistics': {**name, 'images': statistics['images']}}


def seen_images(lineage: Lineage) -> Images | None:
    """The images in a lineage, ``None`` if it lists none."""
    return Images.from_text(lineage.get(IMAGES))


def _listed(collections: Iterable[Images | None], complete: bool) -> Lineage:
    union = None
    for images in collections:
        union = images if union is None else union if images is None else union | images
    return {} if union is None else {IMAGES: {COMPLETE: complete, **union.as_text()}}


def _is_complete(lineage: Lineage) -> bool:
    """Whether the images in a lineage are all that its weights have seen; pretraining is left out."""
    listed = isinstance(lineage.get(IMAGES), dict) and lineage[IMAGES].get(COMPLETE) is True
    unseen = all(one['split'] == PRETRAINED for one in lineage['seen'])
    return unseen or (listed and UNKNOWN not in lineage['seen'])


def _same_parts(one: ImageSet, other: ImageSet) -> bool:
    """Whether both are of one fold file and have a part in common, whatever has become of the files since."""
    return one.get('folds') is not None and one['folds'] == other.get('folds') and _overlap(one, other)


def _overlap(one: ImageSet, other: ImageSet) -> bool:
    splits = {one['split'], other['split']}
    if PRETRAINED in splits:
        return False
    if splits & {'unknown', LISTED}:
        return True
    if one['split'] != other['split']:
        return False
    comparable = 'parts' in one and 'parts' in other and one['folds'] == other['folds']
    return not comparable or bool(set(one['parts']) & set(other['parts']))
