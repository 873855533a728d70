"""Averaging files and whole stage folders, outside of training."""

import os
from pathlib import Path

from mmengine.registry import init_default_scope

from mmseg_custom.errors import StageError
from mmseg_custom.fusion.fuse_stage import choose_winner
from mmseg_custom.fusion.parents import average_parents, read_parent, save_average
from mmseg_custom.fusion.rules import FusionRules
from mmseg_custom.fusion.weight_scorer import WeightScorer
from mmseg_custom.io.checkpoints.checkpoint_file import CheckpointError
from mmseg_custom.io.files import PathLike
from mmseg_custom.io.lease import lease
from mmseg_custom.ledger.stage_ledger import Entry, StageLedger, names_of_runs
from mmseg_custom.ledger.trained_config import load_trained_config


def average_files(inputs: list[Path], output: Path) -> None:
    """Write the parameter average of checkpoint files, with its lineage.

    The files may be anybody's: the config text in them, which MMSegmentation's inferencers execute, is not passed on.

    Raises:
        CheckpointError: If a file cannot be used, or ``output`` is one of the inputs or a file of a ledger.
        AveragingError: If the files are of different architectures.
    """
    if os.path.realpath(output) in {os.path.realpath(path) for path in inputs}:
        raise CheckpointError(f'{output} is one of the inputs: give --out another name.')
    check_output(output)
    if len(set(inputs)) < len(inputs):
        raise CheckpointError(f'A file is named twice: {", ".join(map(str, inputs))}.')
    parents = [read_parent(path) for path in inputs]
    save_average(average_parents(parents), parents, output)


def check_output(output: PathLike) -> None:
    """See that a file to be written is not among those that the records of a stage speak of.

    Raises:
        CheckpointError: If it is.
    """
    if StageLedger(Path(output).parent).holds(output):
        raise CheckpointError(f'{output} belongs to the ledger of a stage: name another file to write.')


def fuse_folder(folder: PathLike, config: PathLike | None = None, cfg_options: dict | None = None) -> Entry:
    """Build and score the candidates of a stage's folder and make its winner.

    Args:
        folder: ``work_dirs/<recipe>/stage<S>``.
        config: Gives network, data and metric; by default the one the first finished run was trained with.
        cfg_options: Overrides by dotted key; they win over those of that run.

    Raises:
        StageError: If the folder holds no finished run, a run is missing, or another process is at it.
    """
    ledger = StageLedger(folder)
    finished = ledger.finished_runs()
    if not finished:
        raise StageError(f'{folder} holds no finished run of a stage.')
    first = ledger.entry(finished[0])
    cfg = load_trained_config(folder, config, cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    with lease(ledger.lease_path) as held:
        if not held:
            raise StageError(f'Another process is fusing {folder}: wait for it.')
        settings = cfg.default_hooks.fold_average
        if not cfg.get('test_dataloader'):
            raise StageError(
                f'{folder}: there are no images that its folds were not trained on, so no average can be scored: '
                'give --out AVERAGE.pth for one without a score, or carve images out from the start '
                '(mmseg-kfold run --holdout 0.1).'
            )
        run_names = ledger.awaited(names_of_runs(first['num_folds']), settings.get('allow_missing', False))
        scorer = WeightScorer(cfg, settings.get('bn_images'))
        return choose_winner(ledger, run_names, scorer.together, FusionRules.of(settings))
