"""Where other trainers keep the weights in a checkpoint, and what they put in front of the names of a model."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from mmengine.logging import print_log
from torch import Tensor

from mmseg_custom.errors import UserError
from mmseg_custom.io.files import PathLike

ENTRIES = ('state_dict', 'model_state_dict', 'model', 'model_state', 'net', 'network', 'module', 'weights', 'params')
AVERAGES = ('ema_state_dict', 'state_dict_ema', 'model_ema', 'ema_model', 'ema', 'params_ema')
# What wraps a model under a name of its own (DistributedDataParallel, Lightning, averages), and within its names.
WRAPPERS = {'module', 'model', 'net', 'network', '_forward_module', *AVERAGES}
INNER = ('_orig_mod.', '_fsdp_wrapped_module.', '_checkpoint_wrapped_module.')
COUNTERS = {'steps', 'n_averaged'}


class CheckpointError(UserError, ValueError):
    """A checkpoint file that cannot be used; the message names the file and the way out."""


def find_weights(checkpoint: Mapping[str, Any], source: PathLike) -> Mapping[str, Any]:
    """The state dict in a checkpoint, or what stands in its place.

    ``EMAHook`` of MMEngine writes the average as ``state_dict``, and the weights behind it as ``ema_state_dict``: the
    former is taken. Other files with weights and their average are ambiguous.

    Args:
        checkpoint: A state dict, or one under a name that trainers use (:data:`ENTRIES`), also nested.
        source: Its file, for messages.

    Raises:
        CheckpointError: If there are several.
    """
    parts = {name: checkpoint[name] for name in (*ENTRIES, *AVERAGES) if isinstance(checkpoint.get(name), dict)}
    found = {name: find_weights(part, source) for name, part in parts.items()}
    found = {name: part for name, part in found.items() if any(isinstance(value, Tensor) for value in part.values())}
    if 'state_dict' in parts and (is_of_mmengine(checkpoint) or not found):
        weights: dict[str, Any] = parts['state_dict']
        return weights
    if len(found) > 1:
        raise CheckpointError(
            f'Checkpoint {source} has weights in more than one entry: {list(found)}. Write the one that you want to '
            'a file of its own: `from mmseg_custom.io.checkpoints import load_checkpoint_file, save_checkpoint_file; '
            f"save_checkpoint_file(load_checkpoint_file('{source}')['{list(found)[-1]}'], 'weights.pth')`."
        )
    return next(iter(found.values()), checkpoint)


def is_of_mmengine(checkpoint: Mapping[str, Any]) -> bool:
    """Whether a checkpoint was written by MMEngine's runner or by this project: its names are those of the model."""
    meta = checkpoint.get('meta')
    return isinstance(meta, dict) and not {'mmengine_version', 'lineage'}.isdisjoint(meta)


def without_prefixes(
    weights: Mapping[str, Tensor], source: PathLike, names: Collection[str] | None = None, whole: bool = True
) -> dict[str, Tensor]:
    """A state dict whose names are those of the model alone; a line in the log says what is left out.

    Args:
        weights: A state dict, as wrapped models have it.
        source: Its file, for messages.
        names: What the model calls its entries. The part is taken that has the most of them: behind any prefix if it
            has all, else behind what is known to wrap models. Without ``names`` a prefix that all entries share.
        whole: Whether the model wants all of ``names``. Defaults to ``True``.

    Raises:
        CheckpointError: If several parts fit equally well.
    """
    inner = {_without_inner(key): value for key, value in weights.items()}
    if len(inner) < len(weights):
        raise CheckpointError(f'Checkpoint {source} has entries that are the same without {INNER}.')
    prefix = _shared_prefix(inner, source) if names is None else _fitting_prefix(inner, source, set(names), whole)
    part = {key.removeprefix(prefix): value for key, value in inner.items() if key.startswith(prefix)}
    if part.keys() != weights.keys():
        others = [key for key in inner if not key.startswith(prefix)]
        left_out = f'; left out {len(others)} entries of another one: {others[:3]}' if others else ''
        print_log(f'{source}: the names of its entries have the prefix {prefix or INNER[0]!r}{left_out}.', 'current')
    return part


def _without_inner(key: str) -> str:
    for wrapper in INNER:
        key = key.replace(wrapper, '')
    return key


def _wrapper_prefix(key: str) -> str:
    """The known wrappers that a name begins with."""
    parts = key.split('.')
    count = next((place for place, part in enumerate(parts) if part not in WRAPPERS), 0)
    return ''.join(f'{part}.' for part in parts[:count])


def _shared_prefix(weights: Mapping[str, Tensor], source: PathLike) -> str:
    """The wrappers that all names begin with; two parts that look the same are ambiguous."""
    parts: dict[str, set[str]] = {}
    for key in weights.keys() - COUNTERS:
        prefix = _wrapper_prefix(key)
        parts.setdefault(prefix, set()).add(key.removeprefix(prefix))
    same = [prefix for prefix, part in parts.items() if list(parts.values()).count(part) > 1]
    _refuse_several(same, source)
    return next(iter(parts)) if len(parts) == 1 else ''


def _fitting_prefix(weights: Mapping[str, Tensor], source: PathLike, names: set[str], whole: bool) -> str:
    """What stands before the names of the model in most entries."""
    found: Counter[str] = Counter()
    for key in weights:
        starts = [0, *(place + 1 for place, letter in enumerate(key) if letter == '.')]
        found.update(key[:start] for start in starts if key[start:] in names)
    fitting = {
        prefix: count
        for prefix, count in found.items()
        if (whole and count == len(names)) or _wrapper_prefix(f'{prefix}x') == prefix
    }
    best = [prefix for prefix, count in fitting.items() if count == max(fitting.values())]
    if '' in best:
        return ''
    _refuse_several(best, source)
    return best[0] if best else _shared_prefix(weights, source)


def _refuse_several(prefixes: list[str], source: PathLike) -> None:
    if len(prefixes) > 1:
        raise CheckpointError(
            f'Checkpoint {source} has the weights of more than one model, under the prefixes {sorted(prefixes)}. '
            'Write the entries of one of them to a file of its own.'
        )
