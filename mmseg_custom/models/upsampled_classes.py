"""The most probable classes at another size than the logits', without logits of that size."""

from collections import deque

import torch
from torch import Tensor

from mmseg_custom.models.row_bands import SameSize, Upsampled, band_rows, map_bands


def upsampled_classes(logits: Tensor, size: tuple[int, int], align_corners: bool = False) -> Tensor:
    """Bring logits to a size as bilinear ``F.interpolate`` does and choose the class of each pixel, band by band.

    Two classes that are equal to the last bits of a float may come out the other way round than from
    ``F.interpolate(logits, size, mode='bilinear').argmax(1)``.

    Args:
        logits: (N, C, h, w) of at most 256 classes.
        size: H and W.
        align_corners: As in ``F.interpolate``. Defaults to ``False``.

    Returns:
        uint8, (N, H, W).
    """
    same = tuple(logits.shape[2:]) == tuple(size)
    source = SameSize(logits) if same else Upsampled(logits, tuple(size), align_corners)
    classes = torch.empty((logits.shape[0], *size), dtype=torch.uint8, device=logits.device)

    @torch.inference_mode()  # Threads do not share the mode, and both kinds of tensors can be written to in it.
    def choose(rows: slice) -> None:
        classes[:, rows] = source.band(rows).max(1).indices

    deque(map_bands(choose, band_rows(logits.shape[1], classes), logits.device), maxlen=0)
    return classes
