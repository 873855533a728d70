"""Two classes by one output under a sigmoid, as MMSegmentation's heads with ``out_channels=1`` have them.

The object, class 1, is where the probability lies above the head's threshold.
"""

from math import log

import torch
from torch import Tensor, nn

EVEN = 0.5  # The threshold that leaves a probability as it is.


def threshold_of(model: nn.Module) -> float | None:
    """The threshold of a segmentor with one output for two classes; ``None`` for one with an output a class."""
    head = getattr(getattr(model, 'module', model), 'decode_head', None)
    return head.threshold if getattr(head, 'out_channels', None) == 1 else None


def class_logits(logits: Tensor, threshold: float | None) -> Tensor:
    """Logits of two classes from those of one output: the larger one is the class that the threshold gives.

    Args:
        logits: (N, 1, ...); (N, C, ...) of a network with an output a class, which stay as they are.
        threshold: As :func:`threshold_of` gives it.

    Returns:
        (N, 2, ...): 0, and how far the output lies above the threshold.
    """
    if threshold is None:
        return logits
    above = logits - log(threshold / (1 - threshold))
    return torch.cat([torch.zeros_like(above), above], dim=1)


def probabilities(scores: Tensor, threshold: float | None) -> Tensor:
    """Class probabilities (C, H, W) from what MMSegmentation's segmentors predict as ``seg_logits``.

    Those of an output a class are logits (C, H, W); that of a single output has been through the sigmoid already.
    """
    return scores.softmax(0) if threshold is None else scores


def most_probable(mean: Tensor, threshold: float | None) -> Tensor:
    """The classes (1, H, W) of mean probabilities as :func:`probabilities` gives them."""
    return mean.argmax(0, keepdim=True) if threshold is None else (mean > threshold).long()
