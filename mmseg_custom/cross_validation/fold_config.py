"""The config of a stage of folds, made from any config that MMSegmentation trains."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

from mmseg_custom.config import WINNER_FILE, ConfigError
from mmseg_custom.cross_validation.config_checks import check_config, name_of
from mmseg_custom.datasets.folds.fold_file import HOLDOUT, VAL
from mmseg_custom.datasets.prepare_folds import held_out_pipeline
from mmseg_custom.engine.history import LAST, MONITOR
from mmseg_custom.fold_settings import DEFAULT_SEED, INNER, NUM_FOLDS
from mmseg_custom.ledger.run_folder import stage_folder

SEED = DEFAULT_SEED  # Where the config has none: without one an interrupted run cannot end as an uninterrupted one.
# What is taken over from the user's config besides what the runner takes.
KEPT = {'custom_imports', 'sync_bn', 'channels_last', 'compile', 'efficient_conv_bn_eval', 'model_wrapper_cfg'}
KEPT_FOR_TESTS = {'tta_model', 'tta_pipeline'}
SAMPLERS = {'InfiniteSampler': 'mmseg.SeededInfiniteSampler', 'DefaultSampler': 'mmseg.SeededSampler'}
PLUGIN = 'mmseg_custom'
INNER_SHARE = 0.1  # Of the images of a fold's training, with --select inner.


@dataclass(frozen=True)
class FoldOptions:
    """What cross-validation adds to a config.

    Attributes:
        folder: Where all of it is kept, ``work_dirs/<name>``.
        num_folds: Number of folds K.
        fold_file: The file that keeps the folds.
        monitor: The score that is shown and, with ``select='best'``, chooses the weights. Defaults to ``None``: the
            one that the config's own ``save_best`` or ``IoUMetric`` has.
        select: Which weights of a run are kept: its ``'last'`` or its ``'best'`` ones by ``monitor`` on its held-out
            images, or the best ones on an ``'inner'`` part of what it would train on.
        max_iters: Another length, for a loop over iterations.
        max_epochs: Another length, for a loop over epochs.
        val_interval: Iterations or epochs between validations.
        seed: Defaults to ``None``: that of the config, else 42.
        stages: Number of stages; each but the first starts from the winner of the one before.
        scored_on: The images that no fold is trained on and that choose among candidates: ``'val'``, those of the
            config's ``val_dataloader``, ``'holdout'``, what was carved out, or ``None``: there are none, and nothing
            is fused.
        command: What was called, which goes on when it is called again.
        data_checksums: Of the files that are trained on, as
            :func:`~mmseg_custom.ledger.data_checksums.data_checksums`; ``None`` where nobody has looked.
        fix_list: The file of what is not trained on, as
            :class:`~mmseg_custom.datasets.folds.fold_dataset.FoldDataset` takes it.
    """

    folder: Path
    num_folds: int
    fold_file: Path
    monitor: str | None = None
    select: str = LAST
    max_iters: int | None = None
    max_epochs: int | None = None
    val_interval: int | None = None
    seed: int | None = None
    stages: int = 1
    scored_on: str | None = None
    command: str | None = None
    data_checksums: Mapping[str, str] | None = None
    fix_list: Path | None = None


def make_stage(user: Config, options: FoldOptions, number: int = 1) -> dict[str, Any]:
    """The config of a stage that trains K folds of what a config trains on; the given one stays as it is.

    The data set of ``train_dataloader`` is cut by :class:`~mmseg_custom.datasets.folds.fold_dataset.FoldDataset`. The
    held-out images take the pipeline, batch size and metric of ``val_dataloader``, or else ``test_pipeline`` and
    MMSegmentation's ``IoUMetric``. What ``options.scored_on`` names becomes the test split.

    Args:
        user: As MMSegmentation's ``tools/train.py`` reads it.
        options: What is added.
        number: Of the stage, from 1.

    Raises:
        ConfigError: If the config cannot be trained, or lacks what held-out images need.
    """
    check_config(user)
    kept = signature(Runner).parameters.keys() | KEPT | KEPT_FOR_TESTS
    cfg = {key: deepcopy(value) for key, value in user.to_dict().items() if key in kept}
    pipeline = held_out_pipeline(user)
    dataset = cfg['train_dataloader'].pop('dataset')
    folds = {'file': str(options.fold_file), NUM_FOLDS: options.num_folds}
    cut = {'type': 'mmseg.FoldDataset', 'dataset': dataset, 'folds': folds}
    overlay = {'fix_list': str(options.fix_list)} if options.fix_list else {}
    if options.select == INNER:
        cut['inner'] = INNER_SHARE
    cfg['train_dataloader'] = _with_keys({**cfg['train_dataloader'], 'dataset': {**cut, **overlay}})
    official, part = cfg.get('val_dataloader'), INNER if options.select == INNER else VAL
    cfg['val_dataloader'] = _loader_of_held_out(cfg, {**deepcopy(cut), 'part': part, 'pipeline': pipeline})
    cfg['test_pipeline'] = pipeline  # How predict.py prepares images.
    cfg['val_evaluator'] = cfg.get('val_evaluator') or {'type': 'IoUMetric', 'iou_metrics': ['mIoU']}
    cfg['val_cfg'] = cfg.get('val_cfg') or {'type': 'ValLoop'}
    cfg |= _test_split(cfg['val_dataloader'], official, options.scored_on)
    cfg['train_cfg'] = _length(cfg['train_cfg'], options, str(user.filename))
    cfg['randomness'] = _randomness(cfg.get('randomness') or {}, options.seed)
    cfg['default_hooks'] = _hooks(cfg, options, number)
    if number > 1:
        cfg['load_from'] = str(stage_folder(options.folder, number - 1) / WINNER_FILE)
    cfg['custom_imports'] = _imports(cfg.get('custom_imports') or {})
    cfg |= {'runner_type': 'StageRunner', 'default_scope': cfg.get('default_scope') or 'mmseg', 'launcher': 'none'}
    cfg |= {
        'work_dir': str(options.folder / 'runs' / f'stage{number}'),
        'resume': False,
        NUM_FOLDS: options.num_folds,
    }
    return cfg


def _with_keys(loader: dict) -> dict:
    """The loader with a sampler that resumes exactly, where it has one of MMEngine's two; the order is the same."""
    sampler = loader.get('sampler') or {}
    known = SAMPLERS.get(name_of(sampler.get('type')))
    return {**loader, 'sampler': {**sampler, 'type': known}} if known else loader


def _loader_of_held_out(cfg: Mapping[str, Any], dataset: dict) -> dict:
    train = cfg['train_dataloader']
    workers = {key: train[key] for key in ('num_workers', 'persistent_workers', 'pin_memory') if key in train}
    plain = {'batch_size': 1, **workers, 'sampler': {'type': 'DefaultSampler', 'shuffle': False}}
    return {**(cfg.get('val_dataloader') or plain), 'dataset': dataset}


def _length(train_cfg: dict, options: FoldOptions, config: str) -> dict:
    given = {'max_iters': options.max_iters, 'max_epochs': options.max_epochs}
    counted = 'max_iters' if train_cfg.get('max_iters') else 'max_epochs'
    for key, value in given.items():
        if value is not None and key != counted:
            unit = 'iterations' if counted == 'max_iters' else 'epochs'
            raise ConfigError(
                f'--{key.replace("_", "-")}: {config} counts in {unit}, use --{counted.replace("_", "-")}.'
            )
    found = {key: value for key, value in given.items() if value is not None}
    if options.val_interval is not None:
        found['val_interval'] = options.val_interval
        train_cfg = {key: value for key, value in train_cfg.items() if key not in ('val_begin', 'dynamic_intervals')}
    train_cfg = {**train_cfg, **found}
    if not train_cfg.get(counted):
        raise ConfigError(f'{config}: train_cfg has neither max_iters nor max_epochs: say how long it trains.')
    if train_cfg.get('val_begin', 0) > train_cfg[counted]:  # Else there would be no score at all.
        del train_cfg['val_begin']
    return train_cfg


def _randomness(given: Mapping[str, Any], seed: int | None) -> dict:
    known = given.get('seed')
    return {**given, 'seed': seed if seed is not None else SEED if known is None else known}


def monitor_of(user: Mapping[str, Any]) -> str:
    """The score that a config's own ``save_best`` or ``IoUMetric`` compares by, else ``mIoU``."""
    best = ((user.get('default_hooks') or {}).get('checkpoint') or {}).get('save_best')
    if isinstance(best, list | tuple):
        best = next(iter(best), None)
    if best and best != 'auto':
        return best
    metrics = user.get('val_evaluator') or {}
    metric = metrics if isinstance(metrics, dict) else metrics[0]
    asked = metric.get('iou_metrics') or [MONITOR]
    name = asked if isinstance(asked, str) else asked[0]
    return f'{metric["prefix"]}/{name}' if metric.get('prefix') else name


def _test_split(held_out: dict, official: dict | None, scored_on: str | None) -> dict[str, Any]:
    if scored_on is None:
        return dict.fromkeys(('test_dataloader', 'test_evaluator', 'test_cfg'))
    view = {**deepcopy(held_out['dataset']), 'part': HOLDOUT}
    loader = official if scored_on == VAL else {**held_out, 'dataset': view}
    return {
        'test_dataloader': loader,
        'test_evaluator': {'type': 'mmseg.SegmentationMetric'},
        'test_cfg': {'type': 'TestLoop'},
    }


def _hooks(cfg: Mapping[str, Any], options: FoldOptions, number: int) -> dict[str, Any]:
    """The user's hooks, and those of this project; a resume point a validation and as often as the user's own."""
    given = dict(cfg.get('default_hooks') or {})
    checkpoint = given.pop('checkpoint', None) or {}
    interval = checkpoint.get('interval') if checkpoint.get('by_epoch') is False else None
    return {
        **given,
        'iteration_seed': {'type': 'IterationSeedHook'},
        'divergence': {'type': 'DivergenceHook', 'interval': 50},
        'data_check': {'type': 'DataCheckHook'},
        'skipped_samples': {'type': 'SkippedSamplesHook'},
        'history': {
            'type': 'TrainingHistoryHook',
            'monitor': options.monitor or monitor_of(cfg),
            'select': options.select,
        },
        'checkpoint': {'type': 'StageCheckpointHook', 'keep': 2, 'interval_iters': interval},
        'preemption': {'type': 'PreemptionHook', 'check_interval': 10},
        'lineage': {'type': 'LineageHook'},
        'run_lease': {'type': 'RunLeaseHook'},
        'run_record': {'type': 'RunRecordHook'},
        'fold_average': {
            'type': 'FoldAverageHook',
            'stage_dir': str(stage_folder(options.folder, number)),
            'out_of_fold': True,
            **({} if options.scored_on else {'candidates': []}),
        },
    }


def _imports(given: Mapping[str, Any]) -> dict[str, Any]:
    imports = given.get('imports') or []
    imports = [imports] if isinstance(imports, str) else list(imports)
    return {'imports': [*imports, *([] if PLUGIN in imports else [PLUGIN])], 'allow_failed_imports': False}
