"""Which GPU a job is given: one of those that the user's environment leaves to this process."""

import os

import torch

from mmseg_custom.errors import UserError


class GpuError(UserError, ValueError):
    """A list of GPUs that cannot be meant."""


def gpu_variable() -> str:
    """The environment variable that hides GPUs; ROCm has one of its own, which counts first."""
    hip = 'HIP_VISIBLE_DEVICES'
    return hip if torch.version.hip and hip in os.environ else 'CUDA_VISIBLE_DEVICES'


def visible_gpus() -> list[str]:
    """The GPUs of this process as its environment names them: numbers, UUIDs (``GPU-...``) or MIG instances.

    CUDA shows a process one MIG instance however many are listed, so their number is that of the names.

    Raises:
        GpuError: If one is listed twice: CUDA shows none at all then.
    """
    listed = os.environ.get(gpu_variable())
    if listed is None:
        return [str(number) for number in range(torch.cuda.device_count())]
    names = [name.strip() for name in listed.split(',') if name.strip()]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise GpuError(f'{gpu_variable()}={listed} lists {repeated} twice: name each GPU once, else CUDA shows none.')
    count = torch.cuda.device_count()
    return names if count and names[0].startswith('MIG-') else names[:count]


def gpu_of_slot(slot: int) -> dict[str, str]:
    """The environment of the job in a slot of a pool: its GPU alone, in turns; as it is where there is none.

    Raises:
        GpuError: As :func:`visible_gpus`.
    """
    names = visible_gpus()
    return {gpu_variable(): names[slot % len(names)]} if names else {}
