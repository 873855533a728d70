"""Images with rare classes more often, in an order that can be skipped and repeated."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATA_SAMPLERS

from mmseg_custom.datasets.samplers.seeded_sampler import SampleKey, SeededSampler
from mmseg_custom.errors import UserError
from mmseg_custom.io.files import read_json


class ClassBalanceError(UserError, ValueError):
    """Counts that do not fit the data; the message says how to make them."""


@DATA_SAMPLERS.register_module()
class ClassBalancedSampler(SeededSampler):
    """Draws as many samples an epoch as there are images, those with rare classes more often.

    Every class is asked for equally often, then one of its pixels, and the image drawn that it is in. Rare class
    sampling (Hoyer et al. 2022, https://arxiv.org/abs/2111.14887) draws any image with the class; in street scenes
    nearly all images have nearly all classes. An epoch is one systematic sample: how often an image is in it is the
    expected number rounded up or down at random. The draws are a function of (seed, epoch), those of all processes
    together, and each repetition of an image has randomness of its own.

    Args:
        dataset: A :class:`KFoldDataset`.
        counts: The file that ``tools/prepare_data.py CONFIG --class-weights`` wrote.
        **kwargs: As :class:`SeededSampler`.

    Raises:
        ClassBalanceError: If the file is missing or lacks an image.
    """

    def __init__(self, dataset: BaseSegDataset, counts: str, **kwargs: Any) -> None:
        super().__init__(dataset, **kwargs)
        self.shares = image_shares(_read_pixels(dataset, counts))

    def __iter__(self) -> Iterator[SampleKey]:
        """Iterate the keys of this rank's samples of the current epoch."""
        drawn = draw(self.shares, np.random.default_rng((self.seed, self.epoch)).random())
        repetition = np.arange(len(drawn)) - np.searchsorted(drawn, drawn)
        for key in super().__iter__():
            seed = key.seed + (int(repetition[key]) << 32)
            yield SampleKey(seed, key.epoch, int(drawn[key]))


def image_shares(pixels: np.ndarray) -> np.ndarray:
    """Probability of each image (N,): the mean over the classes of its share of the class's pixels.

    Args:
        pixels: (N, C), pixels of each class in each image; classes that no image has do not count.
    """
    of_class = pixels[:, pixels.any(0)]
    return (of_class / of_class.sum(0)).mean(1)


def draw(shares: np.ndarray, offset: float) -> np.ndarray:
    """A systematic sample: N of N images in order, each ``N * share`` times, rounded up or down.

    Args:
        shares: Probability of each image (N,).
        offset: 0 to 1; decides on the rounding.
    """
    ends = np.cumsum(shares)
    return np.searchsorted(ends / ends[-1], (np.arange(len(shares)) + offset) / len(shares), side='right')


def _read_pixels(dataset: BaseSegDataset, counts: str) -> np.ndarray:
    make = 'make it with `python tools/prepare_data.py CONFIG --class-weights`.'
    if not Path(counts).is_file():
        raise ClassBalanceError(f'counts={counts!r} of the ClassBalancedSampler does not exist: {make}')
    of_image = read_json(counts).get('image_pixels', {})
    names = [dataset.name_of(dataset.get_data_info(index)) for index in range(len(dataset))]
    missing = next((name for name in names if name not in of_image), None)
    if missing is not None:
        raise ClassBalanceError(f'counts={counts!r} of the ClassBalancedSampler has no pixels of {missing}: {make}')
    return np.array([of_image[name] for name in names])
