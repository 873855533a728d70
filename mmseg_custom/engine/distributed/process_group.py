"""How the processes of a run find each other, also when they were started again."""

import os
from typing import Any

import torch
from mmengine.device import get_device
from torch.distributed import PrefixStore
from torch.distributed.rendezvous import rendezvous


def num_restarts() -> int:
    """How often ``torchrun --max-restarts`` has started this command again after a process of it died."""
    return int(os.environ.get('TORCHELASTIC_RESTART_COUNT', 0))


def start_process_group(env_cfg: dict) -> dict:
    """Start gloo where there is no GPU; elsewhere MMEngine starts the group, with the settings returned.

    Args:
        env_cfg: As MMEngine's ``Runner`` takes it.
    """
    store = _store_of_restart() if num_restarts() else {}
    if get_device() == 'cpu':
        torch.distributed.init_process_group('gloo', **store)
    return {**env_cfg, 'dist_cfg': {**env_cfg.get('dist_cfg', {}), **store}}


def leave_process_group() -> None:
    """Take leave of the other processes; one that ends without may die of gloo's threads with everything done."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _store_of_restart() -> dict[str, Any]:
    """A part of torchrun's store for this attempt alone: in the rest are still the addresses of dead processes."""
    store, rank, world_size = next(rendezvous('env://'))
    return {'store': PrefixStore(f'attempt_{num_restarts()}', store), 'rank': rank, 'world_size': world_size}
