"""A few images of a data set, to try a training with."""

from itertools import chain, zip_longest
from typing import Any

from mmseg.registry import DATASETS

from mmseg_custom.datasets.folds.fold_dataset import FoldDataset
from mmseg_custom.datasets.folds.leaves import Sample, Settings, build_leaves, concatenate, cut, ignored_keys


@DATASETS.register_module()
class FewOfFold(FoldDataset):
    """The first images of each part that a fold takes, in turns.

    Args:
        images: How many there are at most.
        **kwargs: As :class:`~mmseg_custom.datasets.folds.fold_dataset.FoldDataset`.
    """

    def __init__(self, images: int, **kwargs: Any) -> None:
        self.images = images
        super().__init__(**kwargs)

    def _choose(self, samples: list[Sample]) -> list[Sample]:
        kept = super()._choose(samples)
        known = {sample.name for sample in kept}
        split = [] if self.fold_split is None else self.fold_split.folds
        parts = [[name for name in part if name in known] for part in split] or [sorted(known)]
        in_turns = [name for name in chain.from_iterable(zip_longest(*parts)) if name is not None]
        few = set((in_turns or sorted(known))[: self.images])
        return [sample for sample in kept if sample.name in few]


def few_of_any(dataset: Settings, images: int) -> Any:
    """Any data set without its wrappers, with the first images of each one below them.

    Args:
        dataset: Its settings.
        images: How many there are of each at most.

    Raises:
        FoldError: If it cannot be built or cut.
    """
    leaves = build_leaves(dataset)
    for leaf in leaves:
        cut(leaf, range(min(images, len(leaf))))
    return concatenate(leaves, ignored_keys(dataset))
