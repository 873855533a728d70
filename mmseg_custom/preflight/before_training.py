"""What is tried and told before the first step of a cross-validation."""

import json
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg_custom.datasets.checks.training_images import check_images, find_left_files
from mmseg_custom.datasets.checks.training_labels import check_labels
from mmseg_custom.datasets.folds.fold_file import FoldSplit
from mmseg_custom.datasets.folds.leaves import build_leaves, list_samples
from mmseg_custom.datasets.prepare_folds import PreparedFolds
from mmseg_custom.errors import StageError
from mmseg_custom.fold_settings import COMMAND, fold_of
from mmseg_custom.io.files import hash_text, read_json, write_json
from mmseg_custom.io.memory import num_cores
from mmseg_custom.launchers.gpus import visible_gpus
from mmseg_custom.ledger.changes import change_of
from mmseg_custom.ledger.fingerprint import hash_data
from mmseg_custom.messages import Report
from mmseg_custom.plan.plan import PlannedStage
from mmseg_custom.plan.plan_state import PlanState
from mmseg_custom.plan.recipe import Recipe
from mmseg_custom.preflight.estimate import (
    describe_memory,
    describe_space,
    describe_time,
    describe_trial,
    refuse_too_many,
)
from mmseg_custom.preflight.trial_job import run_trial
from mmseg_custom.preflight.try_training import Measured
from mmseg_custom.stack import versions

PASSED_FILE = 'preflight.json'
LOG = 'preflight.log'
MANY = 500  # Labels that are worth the start of processes.


def runs_to_train(state: PlanState, folds: Container[int] | None, force: bool) -> list[Config]:
    """The configs of the runs that are going to be trained.

    Args:
        state: Of the plan.
        folds: Numbers of folds; ``None`` for all.
        force: Whether runs that have changed are trained anew.

    Raises:
        StageError: If one has changed and is not to be trained anew.
    """
    found = []
    for stage in state.plan.stages:
        _check_others(state, stage, folds)
        entries = {run: state.ledger(stage).entry(run.name) for run in stage.chosen(folds)}
        changed = [run for run, entry in entries.items() if force and change_of(state.config(run), entry)]
        runs = [*changed, *state.pending(stage, {run.fold for run in entries if run not in changed})]
        found += [state.config(run) for run in runs]
    return found


def _check_others(state: PlanState, stage: PlannedStage, folds: Container[int] | None) -> None:
    """See that the finished runs that are left out are of the chosen ones' config, before these are archived."""
    ledger = state.ledger(stage)
    for run in set(stage.runs) - set(stage.chosen(folds)):
        entry = ledger.entry(run.name)
        change = entry and change_of(state.config(run), entry)
        if change:
            raise StageError(
                f'{run.name} of {ledger.folder} {change}, and the folds of a stage differ in their fold alone. Take '
                'the change back, or train all anew: --force without --only.'
            )


def look_at_files(
    folds: PreparedFolds, scored: Mapping[str, Any] | None, cache: Path, balance: bool, report: Report
) -> None:
    """Look at all image files and labels, as far as they can be known before a training.

    Args:
        folds: The folds, and what they are made of.
        scored: Settings of the data set that candidates are scored on besides, if there is one.
        cache: Keeps what was counted in labels.
        balance: Whether to say which classes a fold lacks, too.
        report: Takes lines for the user.

    Raises:
        UserError: If a file cannot be used, or labels hold ids of no class.
    """
    workers = num_cores() if len(folds.samples) >= MANY else 1
    lines = [*find_left_files(folds.leaves), *check_images(folds.leaves, folds.samples)]
    lacking = check_labels(folds.leaves, folds.samples, folds.split, cache, workers)
    if scored:
        leaves = build_leaves(scored)
        samples = list_samples(leaves)
        lines += [*find_left_files(leaves), *check_images(leaves, samples)]
        check_labels(leaves, samples, None, cache, workers)
    for line in [*lines, *(lacking if balance else [])]:
        report(line)


def check_first(recipe: Recipe, configs: list[Config], split: FoldSplit, report: Report) -> None:
    """Try the training of a cross-validation, unless it was tried as it is.

    Args:
        recipe: Of the cross-validation.
        configs: Of the runs to train, at least one.
        split: The folds.
        report: Takes lines for the user.

    Raises:
        TrialError: What will not work, and how to mend it; also where runs side by side do not fit on a GPU.
    """
    passed = recipe.state.folder / PASSED_FILE
    known = {'tried': _checksum(configs[0]), 'jobs': recipe.pool.jobs}
    if passed.is_file() and read_json(passed) == known:
        return
    report('preflight: a few steps on a few images; --no-preflight leaves it out')
    measured = _try(recipe, configs, split)
    report(describe_trial(measured))
    refuse_too_many(measured, *_side_by_side(recipe, configs, measured))
    write_json(known, passed)


def describe_first(recipe: Recipe, configs: list[Config], split: FoldSplit, report: Report) -> None:
    """Try the training and tell what it is going to take; arguments and errors as :func:`check_first`."""
    jobs, measured = recipe.pool.jobs, _try(recipe, configs, split)
    report(describe_trial(measured))
    report(describe_time(configs, split, measured, jobs))
    for line in describe_space(configs, jobs):
        report(line)
    report(describe_memory(measured, *_side_by_side(recipe, configs, measured)))


def _side_by_side(recipe: Recipe, configs: list[Config], measured: Measured) -> tuple[int, int]:
    """How many runs train side by side, and on how many GPUs."""
    return min(recipe.pool.jobs, len(configs)), len(visible_gpus()) if measured.gpu else 0


def _try(recipe: Recipe, configs: list[Config], split: FoldSplit) -> Measured:
    """Try the fold that trains on the fewest images."""
    first = [cfg for cfg in configs if Path(cfg.filename) == Path(configs[0].filename)]
    smallest = min(first, key=lambda cfg: len(split.names(fold_of(cfg), validation=False)))
    with recipe.pool.stopped_by_signals(recipe.report):
        return run_trial(smallest, recipe.pool, recipe.state.folder / LOG)


def _checksum(cfg: Config) -> str:
    """Of what a trial is of: a config but for the fold and the command, the data, and the packages."""
    settings = {key: value for key, value in cfg.to_dict().items() if key not in (COMMAND, 'work_dir')}
    for loader in ('train_dataloader', 'val_dataloader'):
        settings[loader] = {**settings[loader], 'dataset': {**settings[loader]['dataset'], 'fold': None}}
    return hash_text(json.dumps([settings, hash_data(cfg), versions()], sort_keys=True, default=str))
