"""A few images of a fold, to try a training with."""

from itertools import chain, zip_longest
from typing import Any

from mmseg.registry import DATASETS

from mmseg_custom.datasets.folds.fold_dataset import FoldDataset
from mmseg_custom.datasets.folds.leaves import Sample


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
        parts = [[name for name in part if name in known] for part in self.fold_split.folds] or [sorted(known)]
        in_turns = [name for name in chain.from_iterable(zip_longest(*parts)) if name is not None]
        few = set((in_turns or sorted(known))[: self.images])
        return [sample for sample in kept if sample.name in few]
