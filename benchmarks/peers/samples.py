"""One training sample by albumentations: decoding, resizing and something like our level ``standard``."""

from itertools import count

import albumentations
import cv2
import numpy as np
import torch

from benchmarks.frame import Measure, timed


def albumentations_sample(pairs: list[tuple[str, str]], height: int, width: int) -> Measure:
    """Reads the pairs one after the other; ids are mapped by one look-up table."""
    cv2.setNumThreads(1)
    augment = albumentations.Compose(
        [
            albumentations.Resize(height, width),
            albumentations.HorizontalFlip(p=0.5),
            albumentations.ColorJitter((0.8, 1.2), (0.8, 1.2), (0.8, 1.2), (0, 0), p=0.5),
            albumentations.GaussianBlur(sigma_limit=(0.1, 1.0), p=0.3),
            albumentations.RandomGamma((70, 130), p=0.25),
            albumentations.RandomScale((0.0, 0.2), p=0.5),
            albumentations.RandomCrop(height, width),
        ]
    )
    table, numbers = np.arange(256, dtype=np.uint8), count()

    def sample() -> tuple[torch.Tensor, torch.Tensor]:
        image, label = pairs[next(numbers) % len(pairs)]
        pixels = cv2.cvtColor(cv2.imread(image), cv2.COLOR_BGR2RGB)
        ids = cv2.LUT(cv2.imread(label, cv2.IMREAD_UNCHANGED), table)
        done = augment(image=pixels, mask=ids)
        return torch.from_numpy(done['image'].transpose(2, 0, 1).copy()), torch.from_numpy(done['mask']).long()

    return timed(sample)
