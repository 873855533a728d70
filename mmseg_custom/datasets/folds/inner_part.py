"""The part of a fold's training images that its weights are chosen on: the inner split of a nested cross-validation.

Cawley and Talbot, On Over-fitting in Model Selection, 2010: https://jmlr.org/papers/v11/cawley10a.html
"""

from mmseg_custom.datasets.folds.fold_file import FoldSplit
from mmseg_custom.datasets.folds.grouping import FoldError
from mmseg_custom.datasets.folds.splitting import carve_holdout, group_images


def inner_part(split: FoldSplit, fold: int, share: float) -> set[str]:
    """The images that a fold neither trains on nor holds out.

    Args:
        split: The folds.
        fold: 1 to K.
        share: Of the images that the fold would train on; whole groups, as the folds are made of, are taken until it
            is reached.

    Raises:
        FoldError: If the fold would train on a single image or group.
    """
    names = split.names(fold, validation=False)
    if len(group_images(names, split.group_by, split.block_size)) < 2:
        raise FoldError(
            f'--select inner: the {len(names)} images that fold {fold} trains on are one group, so that no part of '
            'them can be set aside to choose its weights on: use more folds or finer groups, or --select last.'
        )
    return set(carve_holdout(names, share, split.seed, split.group_by, split.block_size))


def check_inner_parts(split: FoldSplit, share: float) -> None:
    """See that every fold has such a part.

    Raises:
        FoldError: As :func:`inner_part`.
    """
    for fold in range(1, split.num_folds + 1):
        inner_part(split, fold, share)
