"""What a network learns from another's probabilities."""

import torch
from torch import Tensor

from mmseg_custom.models.global_sums import global_sums
from mmseg_custom.models.losses.pixel_sums import at_least_float32, safe_ratio


def distillation_loss(logits: Tensor, target: Tensor, counted: Tensor, temperature: float = 1.0) -> Tensor:
    """The divergence of a network's probabilities from its teacher's: Hinton et al., arXiv 1503.02531.

    Args:
        logits: Of the network, (N, C, H, W).
        target: Probabilities of the teacher at this temperature, (N, C, H, W); no gradient flows into them.
        counted: The pixels that count, bool (N, H, W).
        temperature: Divides the logits; the loss is multiplied by its square, so that its gradient keeps its size.
            Defaults to 1.

    Returns:
        The mean of KL(target || probabilities) over the pixels that count in all processes, a scalar in nats; 0 where
        none does.
    """
    target = at_least_float32(target.detach())
    log_probabilities = (at_least_float32(logits) / temperature).log_softmax(dim=1)
    divergence = (torch.xlogy(target, target) - target * log_probabilities).sum(dim=1)
    weights = counted.to(divergence.dtype)
    total, pixels = global_sums([(divergence * weights).sum(), weights.sum()])
    return temperature**2 * safe_ratio(total, pixels)
