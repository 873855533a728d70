"""Sums over the batches of all processes, in the value and in the gradient."""

import warnings
from collections.abc import Sequence

import torch
from mmengine.dist import get_world_size
from torch import Tensor
from torch.distributed.nn.functional import all_reduce

from mmseg_custom.models.uncompiled import uncompiled

# Newer versions point to `_functional_collectives.all_reduce`, which has no gradient in PyTorch 2.6, the lowest here.
warnings.filterwarnings('ignore', r'torch\.distributed\.nn\.functional\.all_reduce is deprecated', FutureWarning)


@uncompiled  # Compiled code cannot exchange tensors in place.
def global_sums(parts: Sequence[Tensor]) -> list[Tensor]:
    """The sum of each tensor over all processes, in every process, in one exchange; one process has its own.

    The gradient that comes back is that of the sum of all processes' losses. ``DistributedDataParallel`` divides
    the gradient of each parameter by the number of processes: a loss of such sums, which is the same in all of them,
    has then the gradient that a single process would get from the whole batch.

    Args:
        parts: Tensors of one dtype and device, of the same shapes in every process.
    """
    if get_world_size() == 1:
        return list(parts)
    # Without `group=None` it would be the group of when PyTorch's module was imported.
    total = all_reduce(torch.cat([part.flatten() for part in parts]), group=None)
    pieces = total.split([part.numel() for part in parts])
    return [piece.view_as(part) for piece, part in zip(pieces, parts, strict=True)]
