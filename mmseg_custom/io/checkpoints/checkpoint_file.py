"""Reading and writing checkpoints: tensors and plain data only, nothing in a file is ever executed."""

import hashlib
import os
from collections.abc import Collection, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mmseg_custom.io.checkpoints.archive import check_archive
from mmseg_custom.io.checkpoints.pickle_check import MAX_OPERATIONS, ArchiveError
from mmseg_custom.io.checkpoints.stand_ins import DROPPED, StandIn, stand_ins
from mmseg_custom.io.checkpoints.weight_names import CheckpointError, find_weights, is_of_mmengine, without_prefixes
from mmseg_custom.io.files import PathLike, atomic_path

_PLAIN = (str, int, float, bool, type(None))


def load_checkpoint_file(path: PathLike, map_location: Any = 'cpu', mmap: bool = False) -> dict[str, Any]:
    """Load a checkpoint without running anything in it.

    The file is looked through first (:func:`~mmseg_custom.io.checkpoints.archive.check_archive`), then loaded by
    PyTorch with ``weights_only=True``, then copied into built-in types. What it costs in memory is bounded by its
    size. Of what MMEngine's runner and other trainers put beside the weights, NumPy numbers and arrays become
    Python's, and the buffers of the log drop out.

    Args:
        path: A file written by :func:`torch.save`.
        map_location: As in :func:`torch.load`.
        mmap: Map the tensors from the file instead of reading them. Defaults to ``False``.

    Returns:
        The checkpoint. Config text that some hosts execute on resume (``meta.config``) is dropped.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If it holds anything but tensors and plain data, or is damaged.
    """
    if not os.path.lexists(path):
        if ':/' in str(path):
            raise FileNotFoundError(f'Checkpoint {path} is no local file: download it and give the path of the file.')
        raise FileNotFoundError(f'Checkpoint {path} does not exist.')
    if not Path(path).is_file():
        raise CheckpointError(f'Checkpoint {path} is not a file: name the .pth file itself.')
    try:
        with stand_ins() if check_archive(path) else nullcontext():
            checkpoint = torch.load(path, map_location=map_location, weights_only=True, mmap=mmap)
        checkpoint = _Content(4 * Path(path).stat().st_size).copy(checkpoint)
    except Exception as error:  # A damaged or hostile file chooses which exception its readers die of.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(
            f'Checkpoint {path} is damaged or holds more than tensors and plain data ({reason}). Use a file '
            'written by this project, or one that you saved anew as a plain state dict.'
        ) from error
    if not isinstance(checkpoint, dict):
        raise CheckpointError(f'Checkpoint {path} holds a {type(checkpoint).__name__}, not a state dict.')
    if 'state_dict' in checkpoint and not isinstance(checkpoint.setdefault('meta', {}), dict):
        raise CheckpointError(f'Checkpoint {path}: its meta is a {type(checkpoint["meta"]).__name__}, not a dict.')
    if isinstance(checkpoint.get('meta'), dict):
        checkpoint['meta'].pop('config', None)
    return checkpoint


def check_resume_point(path: PathLike) -> int:
    """See whether a run can go on from a file; its tensors are looked through in the file.

    Returns:
        The number of iterations that are done there.

    Raises:
        CheckpointError: If the file cannot be used, or does not hold the state of a run.
    """
    checkpoint = load_checkpoint_file(path, mmap=True)
    weights_of(checkpoint, path)
    missing = [key for key in ('meta', 'message_hub', 'optimizer') if not isinstance(checkpoint.get(key), dict)]
    if missing or not all(isinstance(checkpoint['meta'].get(key), int) for key in ('epoch', 'iter')):
        raise CheckpointError(f'Checkpoint {path} is no point to resume from (entries: {list(checkpoint)[:8]}).')
    return int(checkpoint['meta']['iter'])


def save_checkpoint_file(checkpoint: dict[str, Any], path: PathLike) -> None:
    """Write a checkpoint atomically: readers see the old file or the whole new one."""
    with atomic_path(path) as temporary:
        torch.save(checkpoint, temporary)


def load_weights(
    path: PathLike, mmap: bool = False, names: Collection[str] | None = None, whole: bool = True
) -> dict[str, Tensor]:
    """The state dict of a checkpoint file, on the CPU.

    Args:
        path: The file.
        mmap: As :func:`load_checkpoint_file`.
        names: As :func:`weights_of`.
        whole: As :func:`weights_of`.

    Raises:
        CheckpointError: As :func:`load_checkpoint_file` and :func:`weights_of`.
    """
    return weights_of(load_checkpoint_file(path, mmap=mmap), path, names, whole)


def weights_of(
    checkpoint: Mapping[str, Any], source: PathLike, names: Collection[str] | None = None, whole: bool = True
) -> dict[str, Tensor]:
    """The state dict in a checkpoint, whoever wrote it, its names without the prefixes of wrappers.

    It is plain or in an entry (:func:`~mmseg_custom.io.checkpoints.weight_names.find_weights`); prefixes are those of
    :func:`~mmseg_custom.io.checkpoints.weight_names.without_prefixes`.

    Args:
        checkpoint: As :func:`load_checkpoint_file` returns it.
        source: Its file, for messages.
        names: What the model that it is for calls its entries, if there is one.
        whole: Whether it wants all of them. Defaults to ``True``.

    Raises:
        CheckpointError: If it is no state dict of finite floating-point weights, or if there are several.
    """
    weights = dict(find_weights(checkpoint, source))
    if not all(isinstance(key, str) and isinstance(value, Tensor) for key, value in weights.items()):
        raise CheckpointError(f'Checkpoint {source} holds no state dict (entries: {list(checkpoint)[:8]}).')
    if not any(value.is_floating_point() for value in weights.values()):
        raise CheckpointError(f'Checkpoint {source} holds no floating-point weights (entries: {list(weights)[:8]}).')
    if names is not None or not is_of_mmengine(checkpoint):
        weights = without_prefixes(weights, source, names, whole)
    broken = next((key for key, value in weights.items() if not is_finite(value)), None)
    if broken is not None:
        raise CheckpointError(f'Checkpoint {source} is of a diverged training: {broken} has NaN or infinite values.')
    return weights


def is_finite(value: Tensor) -> bool:
    """Whether all elements are finite; a sum shows it in one pass without another tensor of that size."""
    return bool(value.sum(dtype=torch.float64).isfinite()) or bool(value.isfinite().all())


def hash_weights(weights: dict[str, Tensor]) -> str:
    """A checksum of the tensors alone: equal weights have equal sums, whatever else their files hold."""
    digest = hashlib.sha256()
    for key in sorted(weights):
        value = weights[key].detach().cpu().contiguous()
        digest.update(f'{key} {value.dtype} {tuple(value.shape)}'.encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
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


class _Content:
    """Copies what was loaded into built-in types; what is none, or would grow beyond bounds, raises."""

    def __init__(self, max_bytes: int, max_entries: int = MAX_OPERATIONS) -> None:
        self.bytes_left = max_bytes
        self.entries_left = max_entries

    def copy(self, value: Any) -> Any:
        self.entries_left -= 1
        if self.entries_left < 0:
            raise ArchiveError('its entries refer to each other without end')
        if isinstance(value, Tensor):
            return self._tensor(value)
        if isinstance(value, dict):
            copied = {self._key(key): self.copy(entry) for key, entry in dict.items(value)}
            return {key: entry for key, entry in copied.items() if entry is not DROPPED}
        if type(value) in (list, tuple):
            return type(value)(None if entry is DROPPED else entry for entry in map(self.copy, value))
        if isinstance(value, StandIn):
            plain = value.plain()
            return DROPPED if plain is DROPPED else self.copy(plain)
        if type(value) not in _PLAIN:
            raise ArchiveError(f'a {type(value).__name__} is not plain data')
        return value

    def _tensor(self, value: Tensor) -> Tensor:
        self.bytes_left -= value.numel() * value.element_size()
        if self.bytes_left < 0:
            raise ArchiveError('its tensors are larger than the file')
        return value.detach()

    @staticmethod
    def _key(key: Any) -> Any:
        if type(key) not in _PLAIN:
            raise ArchiveError(f'a {type(key).__name__} is the name of an entry')
        return key
