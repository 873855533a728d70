"""One fold of any data set of MMSegmentation: what it trains on, or what is held out of it."""

from mmseg.registry import DATASETS

from mmseg_custom.datasets.dataset_view import DatasetView
from mmseg_custom.datasets.folds.any_folds import Folds
from mmseg_custom.datasets.folds.fold_file import HOLDOUT, TRAIN, VAL, FoldSplit
from mmseg_custom.datasets.folds.grouping import FoldError
from mmseg_custom.datasets.folds.leaves import (
    Sample,
    Settings,
    build_around,
    build_leaves,
    concatenate,
    cut,
    first_of_each,
    ignored_keys,
    list_samples,
)


@DATASETS.register_module()
class FoldDataset(DatasetView):
    """A view of any data set: the classes, wrappers and samples are MMSegmentation's own, only fewer.

    The data sets below the wrappers are built as training builds them and cut by index. ``part='train'``: the same
    wrappers stand around what is left. ``part='val'`` and ``'holdout'``: no wrappers; every image once, through
    ``pipeline``, in the order of the config. All that is asked of it, the data set inside answers.

    Args:
        dataset: Settings of the whole training data set, as in ``train_dataloader``.
        folds: As :class:`~mmseg_custom.datasets.folds.any_folds.Folds`: ``dict(file='folds.json')``, or how they are
            made.
        fold: 1 to K; ``None``, the default, for all folds: nothing is held out but the holdout.
        part: ``'train'``, the default: the other folds. ``'val'``: the held-out fold. ``'holdout'``: what was carved
            out before the folds were made.
        pipeline: The transforms of held-out images: those of ``val_dataloader``.

    Raises:
        FoldError: If the folds do not fit the data, or the part has no image.
    """

    def __init__(
        self,
        dataset: Settings,
        folds: Settings,
        fold: int | None = None,
        part: str = TRAIN,
        pipeline: list | None = None,
    ) -> None:
        if part not in (TRAIN, VAL, HOLDOUT) or (part == VAL and fold is None):
            raise FoldError(f"part={part!r} of fold {fold!r}: use 'train', 'val' (of fold=1, 2, ...) or 'holdout'.")
        if (part == TRAIN) != (pipeline is None):
            raise FoldError("pipeline: give part='val' and 'holdout' that of val_dataloader, and part='train' none.")
        self.fold, self.part = fold, part
        leaves = build_leaves(dataset, pipeline)
        samples = list_samples(leaves)
        self.fold_split: FoldSplit = Folds.from_settings(folds).split(samples)
        kept = self._choose(samples)
        self.names = [sample.name for sample in kept]
        if not kept:
            raise FoldError(f'Part {part!r} of fold {fold} has no image.')
        for number, leaf in enumerate(leaves):
            cut(leaf, [sample.index for sample in kept if sample.leaf == number])
        if part == TRAIN:
            self.dataset = build_around(dataset, leaves)
            return
        for leaf in leaves:
            leaf.test_mode = True
        self.dataset = concatenate(leaves, ignored_keys(dataset))

    def _choose(self, samples: list[Sample]) -> list[Sample]:
        """The samples of the part; of those it scores, one an image."""
        names = set(self.fold_split.names_of(self.part, self.fold))
        kept = [sample for sample in samples if sample.name in names]
        return kept if self.part == TRAIN else first_of_each(kept)
