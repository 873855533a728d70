"""What a finished run leaves in the ledger."""

import os
from collections.abc import Mapping
from typing import Any

from mmengine.runner import Runner
from mmseg.registry import DATASETS
from torch import Tensor

from mmseg_custom.engine.resume_points import resume_points
from mmseg_custom.fold_settings import INNER, NUM_FOLDS, fold_of, held_out_loader, split_settings
from mmseg_custom.fusion.parents import KEPT_META
from mmseg_custom.io.checkpoints.checkpoint_file import hash_weights, load_checkpoint_file, weights_of
from mmseg_custom.io.processes import peak_memory
from mmseg_custom.ledger.fingerprint import fingerprint
from mmseg_custom.ledger.images import images_of
from mmseg_custom.ledger.initial_weights import initial_lineage
from mmseg_custom.ledger.lineage import Lineage, image_set, may_have_seen, with_images
from mmseg_custom.ledger.stage_ledger import Entry, StageLedger, name_of_run
from mmseg_custom.stack import versions

EMA_PREFIX = 'module.'


def num_folds_of(runner: Runner) -> int | None:
    """The number of folds of its stage, ``None`` for a stage without folds."""
    return None if fold_of(runner.cfg) is None else split_settings(runner.cfg)[NUM_FOLDS]


def run_name_of(runner: Runner) -> str:
    """The name of its run in the ledger."""
    return name_of_run(fold_of(runner.cfg))


def trace(runner: Runner, before: Lineage | None) -> tuple[Lineage, bool]:
    """The lineage of a run, and whether its weights may have been trained on images that it holds out.

    Args:
        runner: Before training.
        before: The lineage of what it has loaded, ``None`` for a run from scratch.
    """
    lineage = initial_lineage(runner.model, runner.cfg) if before is None else before
    training, validation = runner.train_dataloader.dataset, _scored(runner)
    images = images_of(training)
    lineage = with_images(lineage, image_set(training, images), images)
    images = images_of(validation)
    return lineage, may_have_seen(lineage, image_set(validation, images), images)


def _scored(runner: Runner) -> Any:
    """What a run is scored on: what it validates on, but for one that chooses its weights on an inner part."""
    settings = runner.cfg.get('val_dataloader') or {}
    if (settings.get('dataset') or {}).get('part') != INNER:
        return runner.val_dataloader.dataset
    return DATASETS.build(held_out_loader(runner.cfg)['dataset'])


def run_entry(runner: Runner, ledger: StageLedger, history: list, best: dict, lineage: Lineage) -> Entry:
    """The record of a run, without its weights and what these score.

    Args:
        runner: At the end of training.
        ledger: Of the stage.
        history: Of the run.
        best: The record of its best epoch, and whether its images were ``seen``.
        lineage: Of its weights.
    """
    return {
        'stage': ledger.folder.name,
        'fold': fold_of(runner.cfg),
        'num_folds': num_folds_of(runner),
        'config': os.path.relpath(runner.cfg.filename) if runner.cfg.filename else None,
        **fingerprint(runner.cfg),
        'seed': runner.seed,
        'best': {**best, 'part': image_set(runner.val_dataloader.dataset)},
        'history': history,
        'lineage': lineage,
        'seconds': round(sum(record['seconds'] for record in history), 1),
        'peak_memory': peak_memory(),
        'versions': versions(),
    }


def last_snapshots(runner: Runner, best: str) -> dict[str, Entry]:
    """Checkpoints of the weights at the end of training, of those that are not the best ones.

    Args:
        runner: At the end of training.
        best: The checksum of the best weights.

    Returns:
        ``last``, and ``ema`` where MMEngine's ``EMAHook`` averages: it keeps the average in the place of the weights.
    """
    points = resume_points(runner.work_dir, len(runner.train_dataloader))
    if not points:
        return {}
    checkpoint = load_checkpoint_file(points[0], mmap=True)
    found = split_average(weights_of(checkpoint, points[0]), checkpoint.get('ema_state_dict'))
    meta = {key: checkpoint['meta'][key] for key in (*KEPT_META, 'cfg', 'lineage') if key in checkpoint['meta']}
    return {
        kind: {'meta': meta, 'state_dict': weights}
        for kind, weights in found.items()
        if hash_weights(weights) != best
    }


def split_average(weights: dict[str, Tensor], others: Mapping[str, Tensor] | None) -> dict[str, dict[str, Tensor]]:
    """The snapshots in a checkpoint of MMSegmentation.

    Args:
        weights: Its ``state_dict``.
        others: Its ``ema_state_dict``; ``EMAHook`` keeps there what the ``state_dict`` is an average of.
    """
    if others is None:
        return {'last': weights}
    last = {key.removeprefix(EMA_PREFIX): value for key, value in others.items() if key.startswith(EMA_PREFIX)}
    return {'last': last, 'ema': weights}
