"""Logits at the size of the labels, some rows at a time."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from mmseg_custom.models.losses.pixel_sums import at_least_float32

Result = TypeVar('Result')
Shares = list[tuple[Tensor, Tensor]]
# Values in a band. On the CPU 2 MB of float32 stay in the cache: of 2**15, 2**17 ... 2**25 values a band, forward and
# backward of CE + Dice (2 x 19 x 512 x 1024, upsampled) took 0.92, 0.62, 0.45, 0.40, 0.56, 0.69 s of one core. A GPU
# wants few launches instead; 32 MB bounds what a band adds to its memory. That number is not measured on one.
CPU_BAND, GPU_BAND = 2**19, 2**23


def band_rows(num_classes: int, target: Tensor) -> list[slice]:
    """Cut the rows of the labels (N, H, W) into bands of about equal size, which hold all images and classes."""
    images, height, width = target.shape
    at_once = CPU_BAND if target.device.type == 'cpu' else GPU_BAND
    bands = min(height, ceil(max(images, 1) * num_classes * height * width / at_once))
    return [slice(height * number // bands, height * (number + 1) // bands) for number in range(bands)]


def map_bands(function: Callable[[slice], Result], bands: Sequence[slice], device: torch.device) -> Iterator[Result]:
    """Call a function for every band, on the CPU in as many threads as PyTorch has, and yield the results in order.

    Each band is the work of one thread: of the hundreds of small operations on bands PyTorch would share each among
    its threads, and beside another busy process wait for the last of them hundreds of times.
    """
    threads = torch.get_num_threads() if device.type == 'cpu' else 1
    if min(threads, len(bands)) == 1:
        yield from map(function, bands)
        return
    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        try:
            yield from pool.map(torch.no_grad()(function), bands)
        finally:
            torch.set_num_threads(threads)  # Of threads that are still to come: the number is the last one set.


class SameSize:
    """Logits that have the size of the labels.

    Args:
        logits: (N, C, H, W).
    """

    def __init__(self, logits: Tensor) -> None:
        self.logits = logits

    def band(self, rows: slice) -> Tensor:
        """The logits of some rows, at least in float32."""
        return at_least_float32(self.logits[:, :, rows])

    def empty_gradient(self) -> Tensor:
        """Where the gradient of the logits is put together."""
        return torch.empty_like(self.logits)

    def enter(self, gradient: Tensor, rows: slice, band: Tensor) -> Shares:
        """Enter the gradient of a band, in any thread."""
        gradient[:, :, rows] = band
        return []


class Upsampled:
    """Logits that are brought to the size of the labels as by bilinear ``F.interpolate``, band by band.

    Interpolation is linear in each direction: the rows of a band are mixed of two small rows each and then
    stretched. The shares of the two are those that ``F.interpolate`` itself gives to unit vectors.

    Args:
        logits: (N, C, h, w).
        size: H and W.
        align_corners: As in ``F.interpolate``.
    """

    def __init__(self, logits: Tensor, size: tuple[int, int], align_corners: bool) -> None:
        self.logits, (height, self.width) = at_least_float32(logits), size
        self.align_corners = align_corners
        units = torch.eye(logits.shape[2], dtype=self.logits.dtype, device=logits.device)
        of_rows = self._interpolate(units.unsqueeze(0), height).squeeze(0)
        self.shares, self.sources = of_rows.topk(min(2, logits.shape[2]), dim=0)

    def band(self, rows: slice) -> Tensor:
        """The logits of some rows, at least in float32."""
        mixed = sum(self.logits.index_select(2, source) * share for source, share in self._mixing(rows))
        return self._interpolate(mixed.flatten(1, 2), self.width).unflatten(1, mixed.shape[1:3])

    def empty_gradient(self) -> Tensor:
        """Where the gradient of the logits is put together."""
        return torch.zeros_like(self.logits)

    def enter(self, gradient: Tensor, rows: slice, band: Tensor) -> Shares:
        """The gradient of a band as small rows and what to add to them; bands share rows, so that is left to do."""
        lines = band.flatten(1, 2)
        narrow = (*lines.shape[:2], self.logits.shape[3])
        mixed = torch.ops.aten.upsample_linear1d_backward(lines, [self.width], narrow, self.align_corners)
        mixed = mixed.unflatten(1, band.shape[1:3])
        return [(source, mixed * share) for source, share in self._mixing(rows)]

    def _mixing(self, rows: slice) -> Iterator[tuple[Tensor, Tensor]]:
        for source, share in zip(self.sources[:, rows], self.shares[:, rows], strict=True):
            yield source, share.unsqueeze(1)

    def _interpolate(self, lines: Tensor, size: int) -> Tensor:
        return F.interpolate(lines, size, mode='linear', align_corners=self.align_corners)
