"""Activation checkpointing that batch norm does not notice."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


def recomputed(module: nn.Module, function: Callable[..., Any], *inputs: Any) -> Any:
    """``function(*inputs)``, what lies between computed again in the backward pass instead of being kept.

    `Training Deep Nets with Sublinear Memory Cost <https://arxiv.org/abs/1604.06174>`_. The second time the running
    statistics of batch norm stay as they are: gradients, outputs and state are those of ``function(*inputs)``.

    Args:
        module: Has the batch norms that ``function`` uses.
        function: A part of its forward pass.
        *inputs: Its arguments.
    """
    if not torch.is_grad_enabled():
        return function(*inputs)
    return checkpoint(
        function, *inputs, use_reentrant=False, context_fn=lambda: (nullcontext(), statistics_kept(module))
    )


@contextmanager
def statistics_kept(module: nn.Module) -> Iterator[None]:
    """Let batch norms normalise by the batch, and have the running statistics afterwards that they had before."""
    norms = [part for part in module.modules() if isinstance(part, _BatchNorm) and part.track_running_stats]
    before = [(norm, norm.momentum, norm.num_batches_tracked) for norm in norms]
    for norm, _, count in before:
        norm.momentum, norm.num_batches_tracked = 0.0, count.clone()
    try:
        yield
    finally:
        for norm, momentum, count in before:
            norm.momentum, norm.num_batches_tracked = momentum, count
