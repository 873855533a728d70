"""Inputs that our process and those of the peers make alike."""

import torch
from torch import Tensor

IGNORED = 255
MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


def logits_and_labels(
    batch: int, classes: int, height: int, width: int, stride: int = 1, device: str = 'cpu'
) -> tuple[Tensor, Tensor]:
    """Logits (N, C, H / stride, W / stride) that want a gradient, and labels (N, H, W), the upper tenth ignored."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(batch, classes, height // stride, width // stride, generator=generator).mul_(3)
    labels = torch.randint(0, classes, (batch, height, width), generator=generator)
    labels[:, : height // 10] = IGNORED
    return logits.to(device).requires_grad_(), labels.to(device)
