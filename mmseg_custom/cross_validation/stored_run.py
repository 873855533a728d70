"""What `mmseg-kfold run` has left in its folder: the trained folds of a stage."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS

from mmseg_custom.cross_validation.run import PLAN
from mmseg_custom.datasets.fix_list import read_fix_list
from mmseg_custom.datasets.folds.inner_part import inner_part
from mmseg_custom.errors import StageError
from mmseg_custom.fold_settings import fold_of, held_out_loader
from mmseg_custom.io.checkpoints.checkpoint_file import hash_weights, load_weights
from mmseg_custom.io.files import PathLike
from mmseg_custom.ledger.images import image_checksum
from mmseg_custom.ledger.run_folder import stage_folder
from mmseg_custom.ledger.stage_ledger import Entry, StageLedger
from mmseg_custom.plan.plan import Plan
from mmseg_custom.plan.plan_state import PlanState

OUT_OF_FOLD, IN_SAMPLE = 'out_of_fold', 'in_sample'


@dataclass(frozen=True)
class TrainedFold:
    """One fold that is trained.

    Attributes:
        name: Of its run.
        cfg: Its config.
        entry: Its record in the ledger.
        weights_file: Its weights.
    """

    name: str
    cfg: Config
    entry: Entry
    weights_file: Path

    @cached_property
    def held_out(self) -> Any:
        """The data set of its held-out images, through the pipeline of validation."""
        return DATASETS.build(held_out_loader(self.cfg)['dataset'])

    @cached_property
    def samples(self) -> dict[str, dict[str, Any]]:
        """What the data set says of each held-out image, by name, in its order."""
        infos = [self.held_out.get_data_info(index) for index in range(len(self.held_out))]
        return dict(zip(self.held_out.names, infos, strict=True))

    @cached_property
    def checksums(self) -> dict[str, int]:
        """The checksum of each held-out image by name."""
        return {name: image_checksum(info['img_path']) for name, info in self.samples.items()}

    @cached_property
    def trained_names(self) -> set[str]:
        """The names of the images that it was trained on."""
        fix_list = self.cfg.train_dataloader.dataset.get('fix_list')
        left_out = {*read_fix_list(fix_list).leave_out} if fix_list else set()
        split, fold = self.held_out.fold_split, fold_of(self.cfg)
        inner = self.cfg.train_dataloader.dataset.get('inner')
        chosen_on = inner_part(split, fold, inner) if inner else set()
        return {*split.names(fold, validation=False)} - left_out - chosen_on

    def weights(self) -> Mapping[str, Any]:
        """Its state dict.

        Raises:
            StageError: If it is not the one that the ledger speaks of.
        """
        weights = load_weights(self.weights_file)
        if hash_weights(weights) != self.entry['weights']:
            raise StageError(f'{self.weights_file} has changed since it was recorded: restore it, or train anew.')
        return weights


def read_stage(folder: PathLike, number: int = 1) -> list[TrainedFold]:
    """The folds of a stage of a cross-validation.

    Args:
        folder: Where `mmseg-kfold run` has kept it.
        number: Of the stage, from 1.

    Raises:
        StageError: If that is no such folder, a fold is not finished, or the file of the folds is gone.
    """
    if not (Path(folder) / PLAN).is_dir():
        raise StageError(f'{folder} is no folder of `mmseg-kfold run` (seen from {Path.cwd()}): it has no {PLAN}/.')
    plan = Plan(Path(folder) / PLAN)
    stage, state = plan.stage(number), PlanState(plan)
    ledger = StageLedger(stage_folder(folder, number))
    missing = ledger.missing(stage.run_names)
    if missing:
        raise StageError(f'{ledger.folder}: {", ".join(missing)} not finished: `mmseg-kfold run` goes on with them.')
    entries = ledger.entries(stage.run_names)
    folds = [
        TrainedFold(run.name, state.config(run), entries[run.name], ledger.weights_path(run.name))
        for run in stage.runs
    ]
    fold_file = folds[0].cfg.val_dataloader.dataset.folds.file
    if not Path(fold_file).is_file():
        raise StageError(
            f'{fold_file} is not there (seen from {Path.cwd()}): start this where `mmseg-kfold run` was started.'
        )
    init_default_scope(folds[0].cfg.get('default_scope') or 'mmseg')
    return folds


def predictions_folder(folder: PathLike, number: int) -> Path:
    """Where the out-of-fold predictions of a stage are."""
    return stage_folder(Path(folder) / OUT_OF_FOLD, number)


def in_sample_folder(folder: PathLike, number: int) -> Path:
    """Where the predictions of a stage are by weights that were trained on the image."""
    return stage_folder(Path(folder) / IN_SAMPLE, number)
