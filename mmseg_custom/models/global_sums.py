"""Sums over the batches of all processes, in the value and in the gradient."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.dist import all_reduce, get_world_size
from torch import Tensor
from torch.autograd import Function


@torch.compiler.disable  # Compiled code cannot exchange tensors in place.
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
    total = _GlobalSum.apply(torch.cat([part.flatten() for part in parts]))
    pieces = total.split([part.numel() for part in parts])
    return [piece.view_as(part) for piece, part in zip(pieces, parts, strict=True)]


class _GlobalSum(Function):
    """``all_reduce``, which by itself has no gradient."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        total = values.clone(memory_format=torch.contiguous_format)
        all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return _GlobalSum.apply(gradient)
