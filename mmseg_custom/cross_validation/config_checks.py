"""What can be known of a config without building anything."""

from collections.abc import Mapping
from typing import Any

from mmengine.config import Config

from mmseg_custom.config import ConfigError

NEEDED = ('model', 'train_dataloader', 'train_cfg', 'optim_wrapper')
RUNNERS = (None, 'Runner', 'StageRunner')


def check_config(user: Config) -> None:
    """See that a config can be trained in folds.

    Raises:
        ConfigError: If a part is missing, or two parts do not go together.
    """
    for key in NEEDED:
        if not user.get(key):
            raise ConfigError(f'{user.filename} has no {key}: it cannot be trained.')
    if name_of(user.get('runner_type')) not in RUNNERS:
        raise ConfigError(f'{user.filename}: runner_type={user.runner_type!r} has no folds; leave it out.')
    if name_of(user.model.get('type')) == 'DepthEstimator':
        raise ConfigError(
            f'{user.filename}: model.type={user.model.type!r} gives depths and no classes, and folds are scored by '
            'classes. Train it with tools/train.py of MMSegmentation.'
        )
    for part in ('train_dataloader', 'val_dataloader'):
        _check_workers(user.get(part) or {}, part)
    _check_epochs(user)


def name_of(kind: Any) -> Any:
    """The name of a registered type without its scope; a config may also hold the class itself."""
    name = getattr(kind, '__name__', kind)
    return name.rpartition('.')[2] if isinstance(name, str) else name


def _check_workers(loader: Mapping[str, Any], part: str) -> None:
    """PyTorch refuses both, in words that name no setting, when the loader is built."""
    for key, default in (('persistent_workers', False), ('prefetch_factor', None)):
        if loader.get(key, default) and not loader.get('num_workers'):
            raise ConfigError(
                f'{part}: {key}={loader[key]} needs num_workers above 0. Add --cfg-options '
                f'{part}.{key}={default}, or set num_workers.'
            )


def _check_epochs(user: Config) -> None:
    loop, sampler = user.train_cfg, name_of((user.train_dataloader.get('sampler') or {}).get('type'))
    by_epoch = loop.get('by_epoch') or name_of(loop.get('type')) == 'EpochBasedTrainLoop'
    if by_epoch and sampler == 'InfiniteSampler':
        raise ConfigError(
            f'{user.filename}: an epoch has no end with an InfiniteSampler. Add --cfg-options '
            'train_dataloader.sampler.type=DefaultSampler.'
        )
