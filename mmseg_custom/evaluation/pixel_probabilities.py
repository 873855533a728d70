"""The probabilities of an image's classes, without a second copy of its logits."""

import cv2
import numpy as np
import torch
from torch import Tensor

from mmseg_custom.models.row_bands import band_rows

LEVELS = 255  # Of a probability in 8 bits.


class PixelProbabilities:
    """Class probabilities of one image, computed from its logits where they are asked for.

    Args:
        logits: (C, H, W), as MMSegmentation's ``test_step`` gives them. Of one channel they are the probability of
            class 1, behind a sigmoid already.
    """

    def __init__(self, logits: Tensor) -> None:
        if logits.shape[0] == 1:
            tiny = torch.finfo(torch.float32).tiny
            logits = torch.cat([1 - logits, logits]).float().clamp_min(tiny).log()
        self.logits = logits
        self.log_total = torch.empty(logits.shape[1:], dtype=torch.float32, device=logits.device)
        for rows in band_rows(logits.shape[0], self.log_total[None]):
            self.log_total[rows] = logits[:, rows].float().logsumexp(0)

    @property
    def num_classes(self) -> int:
        """The number of classes, C."""
        return self.logits.shape[0]

    def of(self, classes: Tensor) -> Tensor:
        """The probability of one class a pixel, float32 (H, W).

        Args:
            classes: (H, W); what is no class, as void, has the probability 0.
        """
        found = torch.empty_like(self.log_total)
        for rows in band_rows(self.num_classes, found[None]):
            known = (classes[rows] >= 0) & (classes[rows] < self.num_classes)
            chosen = self.logits[:, rows].gather(0, torch.where(known, classes[rows], 0).long()[None])[0].float()
            found[rows] = torch.where(known, (chosen - self.log_total[rows]).exp(), 0.0)
        return found

    def of_all(self, size: tuple[int, int]) -> np.ndarray:
        """The probabilities of all classes in 8 bits, uint8 (C, h, w), the mean over the pixels of each place.

        Args:
            size: Height and width; those of the logits leave them as they are.
        """
        height, width = size
        small = np.empty((self.num_classes, height, width), np.uint8)
        for kind, channel in enumerate(self.logits):
            whole = (channel.float() - self.log_total).exp().cpu().numpy()
            if whole.shape != (height, width):
                whole = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)
            small[kind] = as_levels(whole)
        return small


def as_levels(probabilities: np.ndarray) -> np.ndarray:
    """Probabilities in 8 bits: the nearest of 256 levels."""
    levels = probabilities.clip(0, 1)
    levels *= LEVELS
    return np.rint(levels, out=levels).astype(np.uint8)
