"""Batch norm statistics that belong to an average of weights, instead of an average of statistics."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.dist import all_reduce, all_reduce_params, get_world_size
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


def recalibrate_batch_norm(models: Sequence[nn.Module], inputs: Iterable[Tensor], seed: int | None = None) -> None:
    """Measure the batch norm statistics of segmentors anew (Izmailov et al. 2018, https://arxiv.org/abs/1803.05407).

    Every input goes through every model once, in training mode and without gradient; the statistics are then the
    means over all batches, those of all processes included. Batches should be shuffled: the variance within a batch
    of consecutive frames is too small.

    Only what training itself would measure is measured: a batch norm that a model keeps in evaluation mode
    (``norm_eval``, ``frozen_stages``), that has no running statistics, or that no batch reaches (the pooled branch of
    our ASPP passes over batches of one image) keeps what it had.

    Args:
        models: Encoder-decoders; changed in place, and left in the mode the first one was in.
        inputs: Normalized batches (N, 3, H, W) on the models' device.
        seed: Of dropout. Defaults to ``None``, which counts as 0.
    """
    training = models[0].training
    networks = _SideBySide(models, seed or 0).train()
    devices = {parameter.device for parameter in networks.parameters() if parameter.device.type == 'cuda'}
    with torch.no_grad(), torch.random.fork_rng(devices), _measured(networks) as norms:
        for batch in inputs:
            networks(batch)
        _average_over_processes(norms)
    networks.train(training)


@contextmanager
def _measured(networks: nn.Module) -> Iterator[list[_BatchNorm]]:
    """Let the batch norms that train take plain means over the batches from now on.

    The first batch replaces the statistics, so they need no reset: what no batch reaches still has its own.
    """
    norms = [part for part in networks.modules() if isinstance(part, _BatchNorm) and part.track_running_stats]
    norms = [norm for norm in norms if norm.training]
    before = [(norm.momentum, _count(norm).clone()) for norm in norms]
    for norm in norms:
        norm.momentum = None
        _count(norm).zero_()
    try:
        yield norms
    finally:
        for norm, (momentum, count) in zip(norms, before, strict=True):
            norm.momentum = momentum
            if not _count(norm):
                _count(norm).copy_(count)


def _count(norm: _BatchNorm) -> Tensor:
    """The batches that a batch norm with running statistics has counted."""
    assert norm.num_batches_tracked is not None
    return norm.num_batches_tracked


def _average_over_processes(norms: Sequence[_BatchNorm]) -> None:
    """Make the statistics the means over the batches of all processes."""
    if get_world_size() == 1 or not norms:
        return
    totals = torch.stack([_count(norm) for norm in norms])
    all_reduce(totals)
    reached = [(norm, total) for norm, total in zip(norms, totals.tolist(), strict=True) if total]
    shares = [
        buffer.mul_(_count(norm) / total)
        for norm, total in reached
        for buffer in (norm.running_mean, norm.running_var)
        if buffer is not None
    ]
    all_reduce_params(shares)


class _SideBySide(nn.Module):
    """All layers of several segmentors, the auxiliary heads included.

    Dropout is a function of seed and batch: a model's statistics do not depend on what is measured beside it.
    """

    def __init__(self, models: Sequence[nn.Module], seed: int) -> None:
        super().__init__()
        self.models, self.seed = nn.ModuleList(models), seed

    def forward(self, inputs: Tensor) -> None:
        self.seed += 1
        model: Any  # A segmentor of MMSegmentation, whose types PyTorch does not know.
        for model in self.models:
            torch.manual_seed(self.seed)
            _run_heads(model, model.extract_feat(inputs))


def _run_heads(model: Any, features: Sequence[Tensor]) -> None:
    """All heads; those of a cascade each get what the one before has predicted."""
    prediction: tuple[Tensor, ...] = ()
    for head in _listed(model.decode_head):
        prediction = (head(features, *prediction),)
    for head in _listed(getattr(model, 'auxiliary_head', None)):
        head(features)


def _listed(heads: nn.Module | None) -> list[nn.Module]:
    return list(heads) if isinstance(heads, nn.ModuleList) else [head for head in (heads,) if head is not None]
