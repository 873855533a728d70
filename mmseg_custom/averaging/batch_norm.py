"""Batch norm statistics that belong to an average of weights, instead of an average of statistics."""

from collections.abc import Iterable, Sequence

import torch
from mmengine.dist import all_reduce_params
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

STATISTICS = ('running_mean', 'running_var')


def recalibrate_batch_norm(models: Sequence[nn.Module], inputs: Iterable[Tensor], seed: int = 0) -> None:
    """Measure the batch norm statistics of segmentors anew (Izmailov et al. 2018, https://arxiv.org/abs/1803.05407).

    Every input goes through every model once, in training mode and without gradient; the statistics are then the
    means over all batches, those of all processes included. Batches should be shuffled: the variance within a batch
    of consecutive frames is too small.

    Args:
        models: Encoder-decoders; changed in place, and left in the mode the first one was in.
        inputs: Normalized batches (N, 3, H, W) on the models' device.
        seed: Of dropout. Defaults to 0.
    """
    networks = _SideBySide(models, seed).train(models[0].training)
    devices = {parameter.device for parameter in networks.parameters() if parameter.device.type == 'cuda'}
    with torch.random.fork_rng(devices):
        update_bn(inputs, networks)
    statistics = [buffer for name, buffer in networks.named_buffers() if name.endswith(STATISTICS)]
    all_reduce_params(statistics, op='mean')


class _SideBySide(nn.Module):
    """All layers of several segmentors, the auxiliary heads included.

    Dropout is a function of seed and batch: a model's statistics do not depend on what is measured beside it.
    """

    def __init__(self, models: Sequence[nn.Module], seed: int) -> None:
        super().__init__()
        self.models, self.seed = nn.ModuleList(models), seed

    def forward(self, inputs: Tensor) -> None:
        self.seed += 1
        for model in self.models:
            torch.manual_seed(self.seed)
            features = model.extract_feat(inputs)
            for head in _heads(model):
                head(features)


def _heads(model: nn.Module) -> list[nn.Module]:
    auxiliary = getattr(model, 'auxiliary_head', None)
    others = list(auxiliary) if isinstance(auxiliary, nn.ModuleList) else [auxiliary]
    return [head for head in (model.decode_head, *others) if head is not None]
