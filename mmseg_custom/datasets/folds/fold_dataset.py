"""One fold of any data set of MMSegmentation: what it trains on, or what is held out of it."""

from mmseg.registry import DATASETS

from mmseg_custom.datasets.dataset_view import DatasetView
from mmseg_custom.datasets.fix_list import FixListError, read_fix_list
from mmseg_custom.datasets.folds.any_folds import Folds
from mmseg_custom.datasets.folds.fixed_labels import lay_over
from mmseg_custom.datasets.folds.fold_file import HOLDOUT, TRAIN, VAL, FoldSplit
from mmseg_custom.datasets.folds.grouping import FoldError
from mmseg_custom.datasets.folds.inner_part import inner_part
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
from mmseg_custom.datasets.folds.named_samples import NamingPipeline
from mmseg_custom.fold_settings import INNER


@DATASETS.register_module()
class FoldDataset(DatasetView):
    """A view of any data set: the classes, wrappers and samples are MMSegmentation's own, only fewer.

    The data sets below the wrappers are built as training builds them and cut by index. ``part='train'``: the same
    wrappers stand around what is left. All others: no wrappers; every image once, through ``pipeline``, in the order
    of the config. All that is asked of it, the data set inside answers.

    Args:
        dataset: Settings of the whole training data set, as in ``train_dataloader``.
        folds: As :class:`~mmseg_custom.datasets.folds.any_folds.Folds`: ``dict(file='folds.json')``, or how they are
            made. Defaults to ``None``: all images are trained on.
        fold: 1 to K; ``None``, the default, for all folds: nothing is held out but the holdout.
        part: ``'train'``, the default: the other folds. ``'val'``: the held-out fold. ``'holdout'``: what was carved
            out before the folds were made. ``'inner'``: a part of what the fold would train on.
        pipeline: The transforms of held-out images: those of ``val_dataloader``.
        fix_list: File of images that are not trained on and of regions whose labels are taken for void, see
            :mod:`~mmseg_custom.datasets.fix_list`. Only for ``part='train'``: what is held out is scored on its
            labels as they are. Defaults to ``None``.
        inner: Share of the images that a fold would train on, which it validates on instead, as ``part='inner'``, to
            choose its weights. Defaults to ``None``: it trains on all of them.

    Raises:
        FoldError: If the folds do not fit the data, or the part has no image.
        FixListError: If the fix list does not fit the data.
    """

    def __init__(
        self,
        dataset: Settings,
        folds: Settings | None = None,
        fold: int | None = None,
        part: str = TRAIN,
        pipeline: list | None = None,
        fix_list: str | None = None,
        inner: float | None = None,
    ) -> None:
        if part not in (TRAIN, VAL, HOLDOUT, INNER) or (part in (VAL, INNER) and fold is None):
            raise FoldError(
                f"part={part!r} of fold {fold!r}: use 'train', 'val' or 'inner' (of fold=1, 2, ...) or 'holdout'."
            )
        if part == INNER and not inner:
            raise FoldError("part='inner' needs inner=SHARE, here as in the data set that is trained on.")
        if (part == TRAIN) != (pipeline is None):
            raise FoldError("pipeline: give part='val' and 'holdout' that of val_dataloader, and part='train' none.")
        if folds is None and (fold is not None or part != TRAIN):
            raise FoldError(f'part={part!r} of fold {fold!r}: say by folds=dict(...) how the folds are made.')
        if fix_list and part != TRAIN:
            raise FixListError(f'fix_list={fix_list!r} is for what is trained on: leave it out of part={part!r}.')
        self.fold, self.part, self.inner = fold, part, inner
        leaves = build_leaves(dataset, pipeline)
        samples = list_samples(leaves)
        self.fold_split: FoldSplit | None = Folds.from_settings(folds).split(samples) if folds is not None else None
        kept = self._choose(samples)
        if fix_list:
            fixes = read_fix_list(fix_list)
            fixes.check_names({sample.name for sample in samples}, fix_list)
            kept = [sample for sample in kept if sample.name not in set(fixes.leave_out)]
            lay_over(leaves, samples, fixes)
        self.names = [sample.name for sample in kept]
        if not kept:
            raise FoldError(f'Part {part!r} of fold {fold} has no image.')
        for number, leaf in enumerate(leaves):
            cut(leaf, [sample.index for sample in kept if sample.leaf == number])
            leaf.pipeline = NamingPipeline(leaf.pipeline)
        if part == TRAIN:
            self.dataset = build_around(dataset, leaves)
            return
        for leaf in leaves:
            leaf.test_mode = True
        self.dataset = concatenate(leaves, ignored_keys(dataset))

    def _choose(self, samples: list[Sample]) -> list[Sample]:
        """The samples of the part; of those it scores, one an image."""
        if self.fold_split is None:
            return samples
        if self.part == INNER or (self.inner and self.fold is not None and self.part == TRAIN):
            chosen_on = inner_part(self.fold_split, self.fold, self.inner)
            names = chosen_on if self.part == INNER else set(self.fold_split.names_of(TRAIN, self.fold)) - chosen_on
        else:
            names = set(self.fold_split.names_of(self.part, self.fold))
        kept = [sample for sample in samples if sample.name in names]
        return kept if self.part == TRAIN else first_of_each(kept)
