"""How much memory there is for the processes of a training."""

import os
from contextlib import suppress
from pathlib import Path

import torch

MEMORY_FILE = Path('/proc/meminfo')
GROUP = Path('/sys/fs/cgroup')
# Limit and use of a container, of both versions of control groups.
LIMITS = (('memory.max', 'memory.current'), ('memory/memory.limit_in_bytes', 'memory/memory.usage_in_bytes'))


def free_memory() -> int | None:
    """Bytes that are free where networks are trained: on this process' GPU, else in this machine or its container.

    ``None`` where a system does not tell.
    """
    if torch.cuda.is_available():
        return torch.cuda.mem_get_info()[0]
    found = [value for value in (_free_of_machine(), _free_of_container()) if value is not None]
    return min(found, default=None)


def num_cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1


def _free_of_machine() -> int | None:
    with suppress(OSError, ValueError):
        for line in MEMORY_FILE.read_text().splitlines():
            if line.startswith('MemAvailable:'):
                return int(line.split()[1]) * 1024
    return None


def _free_of_container() -> int | None:
    """The cache of files counts as used here, so it is rather too little than too much."""
    for limit, used in LIMITS:
        with suppress(OSError, ValueError):
            return max(0, int((GROUP / limit).read_text()) - int((GROUP / used).read_text()))
    return None
