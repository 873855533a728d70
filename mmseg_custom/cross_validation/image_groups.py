"""Which group each image of a cross-validation is in, by the file that it is read from."""

from collections.abc import Sequence
from contextlib import suppress

from mmseg_custom.datasets.folds.fold_file import FoldSplit
from mmseg_custom.datasets.folds.grouping import FoldError, group_of_each
from mmseg_custom.datasets.folds.leaves import Sample


def groups_of_images(split: FoldSplit, samples: Sequence[Sample]) -> dict[str, str] | None:
    """The group of each image by its path; ``None`` for folds that are not made of groups.

    Args:
        split: The folds.
        samples: Of the training data.
    """
    if split.group_by is None:
        return None
    with suppress(FoldError):  # A function or table of groups that is gone by now: the folds stay what they are.
        of_name = group_of_each({sample.name for sample in samples}, split.group_by, split.block_size)
        return {sample.info['img_path']: of_name[sample.name] for sample in samples}
    return None
