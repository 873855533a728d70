"""Batch norm over several processes without GPUs."""

import torch
from mmengine.dist import get_world_size
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmseg_custom.models.global_sums import global_sums
from mmseg_custom.models.losses.pixel_sums import at_least_float32


class AllReduceBatchNorm(_BatchNorm):
    """Batch norm whose statistics in training are those of the batches of all processes, whatever their sizes.

    PyTorch's ``SyncBatchNorm`` does that on GPUs and refuses tensors of the CPU. In evaluation, or in a single
    process, it is plain batch norm. Arguments, parameters and buffers as ``torch.nn.BatchNorm2d``.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (N, C, ...) by channel; statistics are computed in float32 at least."""
        if not self.training or get_world_size() == 1:
            return super().forward(x)
        values = at_least_float32(x)
        pixels, shape = [0, *range(2, x.dim())], (1, -1, *[1] * (x.dim() - 2))
        total, count = global_sums([values.sum(pixels), values.new_tensor(x.numel() / x.shape[1])])
        mean = total / count
        centred = values - mean.view(shape)
        variance = global_sums([centred.square().sum(pixels)])[0] / count
        self._track(mean, variance * count / (count - 1))
        out = centred * (variance + self.eps).rsqrt().view(shape)
        if self.affine:
            out = out * self.weight.view(shape) + self.bias.view(shape)
        return out.to(x.dtype)

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor) -> None:
        if not self.track_running_stats:
            return
        self.num_batches_tracked.add_(1)
        share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean), share)
        self.running_var.lerp_(variance.to(self.running_var), share)

    def _check_input_dim(self, input: Tensor) -> None:
        """Take inputs of any dimension."""


def synchronize_batch_norm(model: nn.Module) -> None:
    """Make every batch norm of a model an :class:`AllReduceBatchNorm`, in place; its state dict stays as it is.

    As ``fully_shard`` of PyTorch does, this changes the class and nothing else: hooks, frozen parameters and the
    mode of each module are kept. A norm with a forward pass of its own is left alone.
    """
    for module in model.modules():
        plain = isinstance(module, _BatchNorm) and type(module).forward is _BatchNorm.forward
        if plain or isinstance(module, nn.SyncBatchNorm):
            module.__class__ = AllReduceBatchNorm
