"""What the labels of any data set hold that training cannot use, found before anything is trained."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.dataset import BaseDataset

from mmseg_custom.datasets.checks.label_survey import LabelCounts, refuse_single_class
from mmseg_custom.datasets.folds.fold_balance import describe_missing, fold_pixels
from mmseg_custom.datasets.folds.fold_file import FoldSplit
from mmseg_custom.datasets.folds.leaves import Sample
from mmseg_custom.datasets.label_counts import LOADERS, OTHERS, count_labels, ids_of
from mmseg_custom.datasets.label_reader import LabelError
from mmseg_custom.datasets.sample_files import is_elsewhere
from mmseg_custom.io.files import PathLike

# Whose transforms, but for those that load or map labels, leave the ids of a label as they are.
KNOWN_PACKAGES = ('mmcv', 'mmseg', 'mmdet', 'mmengine', 'mmseg_custom')
LOADING = ('__getitem__', 'prepare_data')
SHOWN = 5


def check_labels(
    leaves: Sequence[Any], samples: Sequence[Sample], split: FoldSplit | None, cache: PathLike, workers: int = 1
) -> list[str]:
    """Read all labels, or those that have changed since the last time, and refuse what no training can use.

    Labels are left out that are not on a local disk, or that transforms of the user's own may change.

    Args:
        leaves: Built data sets, as :func:`~mmseg_custom.datasets.folds.leaves.build_leaves` gives them.
        samples: Of these.
        split: Their folds; ``None`` for images that nothing is trained on, whose ids alone are looked at.
        cache: As :func:`~mmseg_custom.datasets.label_counts.count_labels`.
        workers: Processes that read. Defaults to 1.

    Returns:
        A sentence on each class that a fold, or all data, lack.

    Raises:
        LabelError: If a label cannot be read or holds ids without a class, or all of them together show one class.
    """
    plain = [bool(leaf.metainfo.get('classes')) and ids_are_plain(leaf) for leaf in leaves]
    found = [sample for sample in samples if plain[sample.leaf] and _is_here(sample)]
    if not found:
        return []
    counts = count_labels(leaves, found, cache, workers)
    _refuse_unknown(leaves, found, counts[:, OTHERS.index('unknown')])
    if split is None or len(found) < len(samples):
        return []
    classes, pixels = leaves[0].metainfo['classes'], counts[:, len(OTHERS) :]
    _refuse_nothing_to_learn(found, counts, leaves, list(classes))
    return describe_missing(fold_pixels(split, found, pixels), classes)


def ids_are_plain(leaf: Any) -> bool:
    """Whether the ids that its pipeline loads are those that a network is trained on, as far as can be known."""
    if not is_known(leaf) and any(
        getattr(type(leaf), name, None) is not getattr(BaseDataset, name) for name in LOADING
    ):
        return False
    steps = getattr(getattr(leaf, 'pipeline', None), 'transforms', [])
    return all(is_known(step) or type(step).__name__.endswith(LOADERS) for step in steps)


def is_known(part: Any) -> bool:
    """Whether a data set or transform is no user's own."""
    return type(part).__module__.partition('.')[0] in KNOWN_PACKAGES


def _is_here(sample: Sample) -> bool:
    path = sample.info.get('seg_map_path')
    return bool(path) and not is_elsewhere(path)


def _refuse_unknown(leaves: Sequence[Any], samples: Sequence[Sample], unknown: np.ndarray) -> None:
    wrong = np.flatnonzero(unknown)
    if not len(wrong):
        return
    first = samples[wrong[0]]
    leaf = leaves[first.leaf]
    ids = ids_of(first, leaf)
    number, ignored = len(leaf.metainfo['classes']), getattr(leaf, 'ignore_index', 255)
    outside = np.unique(ids[((ids < 0) | (ids >= number)) & (ids != ignored)])
    shown = ', '.join(map(str, outside[:SHOWN])) + (', ...' if len(outside) > SHOWN else '')
    raise LabelError(
        f'{len(wrong)} of {len(samples)} labels hold ids that are of no class, the first one '
        f'{first.info["seg_map_path"]}: {shown}. The data set has {number} classes, whose ids are 0 to {number - 1}, '
        f'and ignores {ignored}: mend the labels or metainfo.classes, let reduce_zero_label=True take the id 0 off, '
        f'or map the ids by dict(type="MapLabelIds", table={{ID: CLASS, ...}}, num_classes={number}) behind '
        'LoadAnnotations in the pipelines of all loaders.'
    )


def _refuse_nothing_to_learn(
    samples: Sequence[Sample], counts: np.ndarray, leaves: Sequence[Any], classes: list[str]
) -> None:
    ignored, pixels = int(counts[:, OTHERS.index('ignored')].sum()), counts[:, len(OTHERS) :].sum(0)
    if not pixels.any():
        raise LabelError(
            f'No pixel of the {len(samples)} labels has a class: all are ignored, as those of '
            f'{samples[0].info["seg_map_path"]}. See what ids the files hold, and whether reduce_zero_label is meant.'
        )
    # Where 0 means no class, the reading has stored it as 255.
    reduced = any(sample.info.get('reduce_zero_label') for sample in samples)
    at_255 = 0 if reduced or any(getattr(leaf, 'ignore_index', 255) != 255 for leaf in leaves) else ignored
    refuse_single_class(LabelCounts(pixels, ignored, at_255, len(samples), len(samples)), classes)
