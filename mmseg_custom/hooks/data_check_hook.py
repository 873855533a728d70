"""Looks at the data before the first step of a training."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmseg_custom.datasets.checks.data_checks import find_doubts, samples_of
from mmseg_custom.datasets.checks.leftover_files import describe_leftovers
from mmseg_custom.datasets.class_colours import check_classes, check_palette
from mmseg_custom.datasets.class_weight_files import check_weight_files
from mmseg_custom.datasets.folds.fold_file import check_pairs
from mmseg_custom.datasets.folds.kfold_dataset import KFoldDataset
from mmseg_custom.datasets.folds.official_splits import check_distinct, official_splits
from mmseg_custom.datasets.sample_files import is_elsewhere
from mmseg_custom.engine.distributed.main_process import on_main_process
from mmseg_custom.fusion.classes import check_class_names, check_num_classes
from mmseg_custom.fusion.rules import FusionRules
from mmseg_custom.hooks.training import is_training
from mmseg_custom.ledger.lineage import image_set


@HOOKS.register_module()
class DataCheckHook(Hook):
    """Refuses before the first step what would end or spoil a training, and logs what makes one wonder.

    Refused are images of val that are all trained on, a missing val split, missing files (with
    ``on_bad_sample='stop'``), labels of one class and 255 alone, and class weights of other classes. Logged are files
    that are not taken, images that are converted, classes without a pixel, mostly ignored labels. Labels and images
    are looked at in a sample; ``tools/prepare_data.py CONFIG --verify`` reads all. Of data sets other than
    :class:`KFoldDataset` only classes and palette are looked at.
    """

    def before_run(self, runner: Runner) -> None:
        """Compare the classes of network and data, and what chooses epochs with what chooses the winner.

        Raises:
            StageError: If they do not fit.
        """
        if is_training(runner):
            check_num_classes(runner.model, runner.train_dataloader.dataset)
            settings = runner.cfg.default_hooks.get('fold_average') or {}
            if runner.val_loop is not None:
                FusionRules.of(settings).check_validation(image_set(runner.val_dataloader.dataset))

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare the classes of initial weights and data."""
        if is_training(runner):
            meta = checkpoint.get('meta') or {}
            check_class_names(meta, runner.train_dataloader.dataset, str(runner._load_from))

    def before_train(self, runner: Runner) -> None:
        """Look at what is trained on and validated on.

        Raises:
            UserError: If the data cannot be meant.
            FileNotFoundError: If a file is missing.
        """
        train = runner.train_dataloader.dataset
        for dataset in (train, _val_of(runner)):
            if dataset is not None:
                check_palette(check_classes(dataset.metainfo.get('classes')), dataset.metainfo.get('palette'))
        if isinstance(train, KFoldDataset):
            val = _val_of(runner)
            val = val if isinstance(val, KFoldDataset) else None
            for line in on_main_process(lambda: self._look(runner, train, val)):
                runner.logger.warning(line)

    def _look(self, runner: Runner, train: KFoldDataset, val: KFoldDataset | None) -> list[str]:
        settings = runner.cfg.train_dataloader.dataset
        check_weight_files(runner.cfg)
        splits = official_splits(runner.cfg)
        if val and (train.split, val.split) == ('train', 'val'):
            check_distinct(train, val)
        if is_elsewhere(train.data_prefix['img_path']):
            return []
        for dataset in filter(None, (train, val)):
            if dataset.on_bad_sample == 'stop':
                check_pairs(samples_of(dataset))
        return [*find_doubts(settings, train, val), *describe_leftovers(list(splits.values()))]


def _val_of(runner: Runner) -> Any:
    return runner.val_dataloader.dataset if runner.val_loop is not None else None
