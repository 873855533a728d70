"""Reading and writing checkpoints: tensors and plain data only, nothing in a file is ever executed."""

import hashlib
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor

from mmseg_custom.engine.files import PathLike, atomic_path
from mmseg_custom.errors import UserError

_PLAIN = (str, int, float, bool, type(None))


class CheckpointError(UserError, ValueError):
    """A checkpoint file that cannot be used; the message names the file and the way out."""


def load_checkpoint_file(path: PathLike, map_location: Any = 'cpu') -> dict:
    """Load a checkpoint without running anything in it.

    Args:
        path: A file written by :func:`torch.save`.
        map_location: As in :func:`torch.load`.

    Returns:
        The checkpoint. Config text that some hosts execute on resume (``meta.config``) is dropped.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If it holds anything but tensors and plain data, or is damaged.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'Checkpoint {path} does not exist.')
    try:
        checkpoint = torch.load(path, map_location=map_location, weights_only=True)
    except (RuntimeError, UnpicklingError, EOFError, OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(
            f'Checkpoint {path} is damaged or holds more than tensors and plain data ({reason}). Use a file '
            'written by this project, or one that you saved anew as a plain state dict.'
        ) from error
    if not isinstance(checkpoint, dict):
        raise CheckpointError(f'Checkpoint {path} holds a {type(checkpoint).__name__}, not a state dict.')
    if isinstance(checkpoint.get('meta'), dict):
        checkpoint['meta'].pop('config', None)
    return checkpoint


def save_checkpoint_file(checkpoint: dict, path: PathLike) -> None:
    """Write a checkpoint atomically: readers see the old file or the whole new one."""
    with atomic_path(path) as temporary:
        torch.save(checkpoint, temporary)


def load_weights(path: PathLike) -> dict[str, Tensor]:
    """The state dict of a checkpoint file, on the CPU.

    Raises:
        CheckpointError: If the file holds no state dict.
    """
    checkpoint = load_checkpoint_file(path)
    weights = checkpoint.get('state_dict', checkpoint)
    wrong = [key for key, value in weights.items() if not isinstance(value, Tensor)]
    if wrong or not weights:
        raise CheckpointError(f'Checkpoint {path} holds no state dict (entries: {list(checkpoint)[:8]}).')
    return dict(weights)


def hash_weights(weights: dict[str, Tensor]) -> str:
    """A checksum of the tensors alone: equal weights have equal sums, whatever else their files hold."""
    digest = hashlib.sha256()
    for key in sorted(weights):
        value = weights[key].detach().cpu().contiguous()
        digest.update(f'{key} {value.dtype} {tuple(value.shape)}'.encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def plain_data(value: Any) -> Any:
    """``value`` in built-in types; what has none (buffers of running logs, functions) becomes ``None``."""
    if isinstance(value, dict):
        return {key: plain_data(entry) for key, entry in value.items() if type(key) in _PLAIN}
    if isinstance(value, list | tuple):
        return type(value)(plain_data(entry) for entry in value) if type(value) in (list, tuple) else list(value)
    if type(value) in _PLAIN or isinstance(value, Tensor):
        return value
    return value.item() if hasattr(value, 'item') and getattr(value, 'size', 1) == 1 else None
