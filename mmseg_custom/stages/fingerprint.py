"""A checksum of what makes an experiment, and of nothing else in its config."""

import json
from typing import Any

from mmengine.config import Config

from mmseg_custom.engine.files import hash_text

EXPERIMENT_KEYS = (
    'model',
    'train_dataloader',
    'val_dataloader',
    'test_dataloader',
    'train_cfg',
    'optim_wrapper',
    'param_scheduler',
    'randomness',
)
INCIDENTAL_KEYS = {'num_workers', 'persistent_workers', 'pin_memory', 'prefetch_factor', 'data_root', 'file'}


def hash_experiment(cfg: Config) -> str:
    """The checksum of a config's network, data, loss, schedule and seed; workers, paths and logging do not count."""
    experiment = {key: _essential(cfg.get(key)) for key in EXPERIMENT_KEYS}
    experiment['patience'] = cfg.get('default_hooks', {}).get('history', {}).get('patience')
    return hash_text(json.dumps(experiment, sort_keys=True, default=str))


def _essential(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _essential(entry) for key, entry in value.items() if key not in INCIDENTAL_KEYS}
    if isinstance(value, list | tuple):
        return [_essential(entry) for entry in value]
    return value
