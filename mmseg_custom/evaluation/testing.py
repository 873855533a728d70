"""Running a test and keeping what it found."""

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from mmengine.config import Config
from mmengine.device import get_device
from mmengine.dist import get_world_size, is_main_process
from mmengine.runner import Runner

from mmseg_custom.datasets.folds.leaves import first_leaf
from mmseg_custom.engine.stage_runner import build_runner
from mmseg_custom.evaluation import SegmentationMetric, SubmissionWriter, write_results
from mmseg_custom.evaluation.fold_ensemble import use_ensemble
from mmseg_custom.evaluation.submission_writer import unique_names
from mmseg_custom.evaluation.testing_options import pipeline_steps, require_images, require_metric
from mmseg_custom.evaluation.unlabelled import leave_out_labels
from mmseg_custom.io.checkpoints.checkpoint_file import hash_weights, load_weights
from mmseg_custom.io.files import PathLike
from mmseg_custom.stack import versions


def run_test(
    cfg: Config,
    out: PathLike | None = None,
    settings: Mapping[str, Any] | None = None,
    ensemble: Sequence[PathLike] = (),
) -> dict[str, float]:
    """Test the weights of ``cfg.load_from`` on ``cfg.test_dataloader``.

    Args:
        cfg: The config.
        out: Folder for the files of :func:`write_results`. Defaults to ``None``, none.
        settings: How it differs from the config, for ``scores.json``.
        ensemble: Checkpoints whose mean probabilities are tested in the place of ``cfg.load_from``. Defaults to none.

    Returns:
        The scores.

    Raises:
        ConfigError: If there is no metric for ``out``, or nothing can be scored and nothing is written.
    """
    require_images(cfg)
    if out:
        require_metric(cfg)
    leave_out_labels(cfg)
    if out:  # Without labels it is gone.
        require_metric(cfg)
    runner = build_runner(cfg)
    if ensemble:
        use_ensemble(runner, ensemble)
    name_predictions(runner)
    scores = runner.test()
    if out and is_main_process():
        metric = next(m for m in runner.test_evaluator.metrics if isinstance(m, SegmentationMetric))
        write_results(out, metric, scores, {**describe_run(cfg, ensemble), 'settings': dict(settings or {})})
        runner.logger.info(f'Scores and confusion matrix: {out}')
    return scores


def name_predictions(runner: Runner) -> None:
    """Tell the writers of submissions which file each image of the test set gets."""
    writers = [metric for metric in runner.test_evaluator.metrics if isinstance(metric, SubmissionWriter)]
    if writers:
        dataset = runner.test_dataloader.dataset
        names = unique_names([dataset.get_data_info(index)['img_path'] for index in range(len(dataset))])
        for writer in writers:
            writer.names = names


def describe_run(cfg: Config, ensemble: Sequence[PathLike] = ()) -> dict[str, Any]:
    """What a score must be kept with: config, weights, input sizes, machine, versions, date and command."""
    dataset = cfg.test_dataloader.dataset
    steps = pipeline_steps(dataset.get('pipeline') or first_leaf(dataset).get('pipeline', ()))
    checksums = [hash_weights(load_weights(file)) for file in ensemble or [cfg.load_from]]
    return {
        'config': os.path.relpath(cfg.filename) if cfg.filename else None,
        'checkpoint': [str(file) for file in ensemble] if ensemble else str(cfg.load_from),
        'weights': checksums if ensemble else checksums[0],
        'input_sizes': [list(step['scale']) for step in steps if 'scale' in step and step['type'] == 'Resize'],
        'device': get_device(),
        'processes': get_world_size(),
        'versions': versions(),
        'date': datetime.now(timezone.utc).isoformat(timespec='seconds'),
        'command': shlex.join(sys.argv),
    }
