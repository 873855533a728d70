"""What makes an experiment, and nothing else of its config: its checksum, and what differs between two."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from inspect import signature
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

from mmseg_custom.datasets.folds.fold_file import read_split
from mmseg_custom.datasets.folds.nnunet_splits import is_nnunet_file
from mmseg_custom.engine.history import BEST, MONITOR
from mmseg_custom.fold_settings import fold_file, source_of
from mmseg_custom.io.files import hash_text, read_json
from mmseg_custom.ledger.data_checksums import DATA_CHECKSUMS, changed_data, data_disagreement
from mmseg_custom.ledger.stage_ledger import Entry, StageLedger

# Besides all that the runner takes: what it looks up in the config by itself.
LOOKED_UP = {'sync_bn', 'channels_last', 'compile', 'efficient_conv_bn_eval', 'model_wrapper_cfg'}
# What the runner takes and no result depends on, beyond rounding; `load_from` is in the lineage.
INCIDENTAL = {
    'cfg',
    'work_dir',
    'load_from',
    'resume',
    'launcher',
    'env_cfg',
    'log_processor',
    'log_level',
    'visualizer',
    'default_scope',
    'experiment_name',
    'default_hooks',
    'custom_hooks',
}
INCIDENTAL_HOOKS = {
    'timer',
    'logger',
    'visualization',
    'preemption',
    'divergence',
    'skipped_samples',
    'history',
    'lineage',
    'run_lease',
    'run_record',
    'fold_average',
}
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
    'collect_device',
    'output_dir',
}
INCIDENTAL_OF_HOOKS = {'monitor', 'keep', 'interval_iters'}
LENGTHS = ('max_epochs', 'max_iters')
# Where a path stands for what its file holds.
CONTENT_KEYS = {'skip_list', 'fix_list', 'class_weight', 'counts'}


def fingerprint(cfg: Config) -> Entry:
    """What the record of a run says about its config and data.

    Returns:
        ``config_hash``; ``experiment``, the part of the config it is the checksum of; ``data``, the checksum of the
        fold file's images, ``None`` without one; ``data_checksums``, of the files that it trains on, where its config
        knows them; ``cfg_options``, the overrides as text.
    """
    return {
        'config_hash': hash_experiment(cfg),
        'experiment': experiment(cfg),
        'data': hash_data(cfg),
        DATA_CHECKSUMS: dict(cfg[DATA_CHECKSUMS]) if cfg.get(DATA_CHECKSUMS) else None,
        'cfg_options': dict(cfg.get('cfg_options', {})),
    }


def hash_experiment(cfg: Config) -> str:
    """The checksum of all in a config that a result depends on; workers, paths and logging do not count."""
    return hash_text(json.dumps(experiment(cfg), sort_keys=True))


def experiment(cfg: Config) -> dict[str, Any]:
    """All in a config that a result depends on, as plain data; files count by what they hold.

    That is what the runner takes but for what is known to be incidental: a part that is forgotten counts.
    """
    keys = (signature(Runner).parameters.keys() | LOOKED_UP) - INCIDENTAL
    hooks = cfg.get('default_hooks', {})
    parts = {key: _essential(cfg.get(key)) for key in sorted(keys)}
    history = hooks.get('history') or {}
    parts['patience'] = history.get('patience')
    parts['monitor'], parts['select'] = history.get('monitor', MONITOR), history.get('select', BEST)
    parts['hooks'] = {name: _hook(hook) for name, hook in hooks.items() if name not in INCIDENTAL_HOOKS}
    if cfg.get('custom_hooks'):
        parts['custom_hooks'] = _essential(cfg.custom_hooks)
    plain: dict[str, Any] = json.loads(json.dumps(parts, default=str))
    return plain


def _hook(hook: Any) -> Any:
    if not isinstance(hook, dict):
        return hook
    return _essential({key: value for key, value in hook.items() if key not in INCIDENTAL_OF_HOOKS})


def disagreement(entries: Mapping[str, Entry], whatever_length: bool = False) -> str | None:
    """What the records of a stage's runs differ in besides their fold, ``None`` if they are of one experiment.

    Args:
        entries: By the names of the runs.
        whatever_length: Leave out how long they were trained.
    """
    for name, entry in list(entries.items())[1:]:
        first = next(iter(entries))
        one, other = (_without_fold(entries[key]['experiment']) for key in (first, name))
        if whatever_length:
            one, other = _without_length(one), _without_length(other)
        found = list(differences(one, other))
        data = {entries[first].get('data'), entry.get('data')} - {None}
        if found or len(data) > 1:
            return f'{name} differs from {first} in {"; ".join(found[:3]) or "the images that the folds are made of"}'
        files = data_disagreement([entries[first], entry])
        if files:
            return f'{name} differs from {first} in the files of the {files} that they were trained on'
    return None


def _without_fold(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_fold(entry) for key, entry in value.items() if key != 'fold'}
    return [_without_fold(entry) for entry in value] if isinstance(value, list) else value


def hash_data(cfg: Config) -> str | None:
    """The checksum of the training images and their folds, ``None`` while there is no fold file."""
    file = fold_file(cfg.train_dataloader.dataset.get('folds') or {})
    if file is None or not Path(file).is_file():
        return None
    if is_nnunet_file(file):
        return hash_text(json.dumps(read_json(file)))
    split = read_split(file)
    return hash_text(f'{split.fingerprint} {split.hash}')


def reason_to_doubt(cfg: Config, record: Entry) -> str | None:
    """Why a run, finished or started, is not what its config would give now, if so; its length is no reason.

    Args:
        cfg: The run's config.
        record: Holds what :func:`fingerprint` gives, and the lineage.
    """
    changes = list(differences(record['experiment'], experiment(cfg)))
    if changes and not length_change(cfg, record):
        return f'{source_of(cfg)} has changed since ({"; ".join(changes[:3])})'
    data = hash_data(cfg)
    if None not in (data, record.get('data')) and data != record['data']:
        return f'the images in {cfg.train_dataloader.dataset.folds["file"]} have changed since'
    files = changed_data(record.get(DATA_CHECKSUMS), cfg.get(DATA_CHECKSUMS))
    if files:
        return f'{files} that it trains on have changed since; the folds stay as they are'
    start = Path(cfg.load_from) if cfg.get('load_from') else None
    before = StageLedger(start.parent).recorded_weights(start.name) if start else None
    if before and before not in {parent['weights'] for parent in record['lineage']['parents']}:
        return f'{cfg.load_from}, which it started from, has changed since'
    return None


def length_change(cfg: Config, record: Entry) -> tuple[int, int] | None:
    """The lengths, then and now, of a run whose config has changed in nothing else, ``None`` for others.

    A schedule may be built for the length, so it may have changed with it.
    """
    known, now = record['experiment'], experiment(cfg)
    old, new = (_length(parts) for parts in (known, now))
    if old is None or new is None or old == new:
        return None
    same = not list(differences(_without_length(known), _without_length(now)))
    return (old, new) if same else None


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
