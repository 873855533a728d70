"""What makes an experiment, and nothing else of its config: its checksum, and what differs between two."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg_custom.datasets.folds import read_split
from mmseg_custom.engine.files import hash_text
from mmseg_custom.stages.ledger import Entry, StageLedger

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
INCIDENTAL_KEYS = {
    'num_workers',
    'persistent_workers',
    'pin_memory',
    'prefetch_factor',
    'data_root',
    'file',
    'on_bad_sample',
    'packed',
    'with_cp',
}
LENGTHS = ('max_epochs', 'max_iters')
# Where a path stands for what its file holds.
CONTENT_KEYS = {'skip_list', 'class_weight', 'counts'}


def fingerprint(cfg: Config) -> Entry:
    """What the record of a run says about its config and data.

    Returns:
        ``config_hash``; ``experiment``, the part of the config it is the checksum of; ``data``, the checksum of the
        fold file's images, ``None`` without one; ``cfg_options``, the overrides as text.
    """
    return {
        'config_hash': hash_experiment(cfg),
        'experiment': experiment(cfg),
        'data': hash_data(cfg),
        'cfg_options': dict(cfg.get('cfg_options', {})),
    }


def hash_experiment(cfg: Config) -> str:
    """The checksum of a config's network, data, loss, schedule and seed; workers, paths and logging do not count."""
    return hash_text(json.dumps(experiment(cfg), sort_keys=True))


def experiment(cfg: Config) -> dict[str, Any]:
    """A config's network, data, loss, schedule and seed as plain data; files count by what they hold."""
    parts = {key: _essential(cfg.get(key)) for key in EXPERIMENT_KEYS}
    parts['patience'] = cfg.get('default_hooks', {}).get('history', {}).get('patience')
    if cfg.get('custom_hooks'):
        parts['custom_hooks'] = _essential(cfg.custom_hooks)
    return json.loads(json.dumps(parts, default=str))


def hash_data(cfg: Config) -> str | None:
    """The checksum of the training images and their folds, ``None`` while there is no fold file."""
    file = (cfg.train_dataloader.dataset.get('folds') or {}).get('file')
    if file is None or not Path(file).is_file():
        return None
    split = read_split(file)
    return hash_text(f'{split.fingerprint} {split.hash}')


def reason_to_doubt(cfg: Config, record: Entry) -> str | None:
    """Why a run, finished or begun, is not what its config would give now, if so; its length is no reason.

    Args:
        cfg: The run's config.
        record: Holds what :func:`fingerprint` gives, and the lineage.
    """
    if record['config_hash'] != hash_experiment(cfg) and not length_change(cfg, record):
        known = record.get('experiment')
        changes = list(differences(known, experiment(cfg))) if known else []
        return f'{cfg.filename} has changed since' + (f' ({"; ".join(changes[:3])})' if changes else '')
    data = hash_data(cfg)
    if None not in (data, record.get('data')) and data != record['data']:
        return f'the images in {cfg.train_dataloader.dataset.folds["file"]} have changed since'
    start = Path(cfg.load_from) if cfg.get('load_from') else None
    before = StageLedger(start.parent).recorded_weights(start.name) if start else None
    if before and before not in {parent['weights'] for parent in record['lineage']['parents']}:
        return f'{cfg.load_from}, which it started from, has changed since'
    return None


def length_change(cfg: Config, record: Entry) -> tuple[int, int] | None:
    """The lengths, then and now, of a run whose config has changed in nothing else, ``None`` for others.

    A schedule may be built for the length, so it may have changed with it.
    """
    known, now = record.get('experiment') or {}, experiment(cfg)
    old, new = (_length(parts) for parts in (known, now))
    if None in (old, new) or old == new:
        return None
    return None if list(differences(_without_length(known), _without_length(now))) else (old, new)


def _length(parts: Mapping[str, Any]) -> int | None:
    lengths = parts.get('train_cfg') or {}
    return next((lengths[key] for key in LENGTHS if lengths.get(key)), None)


def _without_length(parts: Mapping[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in (parts['train_cfg'] or {}).items() if key not in LENGTHS}
    return {**parts, 'train_cfg': rest, 'param_scheduler': None}


def differences(old: Any, new: Any, where: str = '') -> Iterator[str]:
    """Each place at which two pieces of plain data differ, as ``optim_wrapper.optimizer.lr: 0.001 -> 0.5``."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from differences(old.get(key), new.get(key), f'{where}.{key}' if where else key)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, pair in enumerate(zip(old, new, strict=True)):
            yield from differences(*pair, f'{where}[{number}]')
    elif old != new:
        yield f'{where}: {_short(old)} -> {_short(new)}'


def _essential(value: Any, key: str = '') -> Any:
    if key in CONTENT_KEYS and isinstance(value, str) and Path(value).is_file():
        return f'sha256 {hashlib.sha256(Path(value).read_bytes()).hexdigest()}'
    if isinstance(value, dict):
        return {str(name): _essential(entry, name) for name, entry in value.items() if name not in INCIDENTAL_KEYS}
    if isinstance(value, list | tuple):
        return [_essential(entry) for entry in value]
    return value


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f'{text[:37]}...'
