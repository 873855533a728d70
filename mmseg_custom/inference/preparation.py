"""From the pixels of a file to the input of a network, as a config's test pipeline says."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from mmengine.config import Config
from mmengine.dataset import Compose
from mmseg.registry import TRANSFORMS

from mmseg_custom.config import ConfigError
from mmseg_custom.datasets.checks.bad_samples import LABEL_STEPS
from mmseg_custom.inference.errors import InputError

IMAGE_LOADER = 'LoadImageFromFile'
# How prediction reads an image, and training if its pipeline does not say otherwise.
READ_AS = {'imdecode_backend': 'cv2', 'to_float32': False}
SKIPPED_STEPS = (*LABEL_STEPS, 'UseWorkingSize')

Sample = dict[str, Any]


def image_steps(cfg: Config) -> list[dict]:
    """The steps of a config's test pipeline behind the reading of the file, those of the label left out.

    Raises:
        ConfigError: If there is no such pipeline, or it reads images in another way than prediction does.
    """
    steps = [dict(step) for step in cfg.get('test_pipeline', ())]
    if not steps or steps[0]['type'] != IMAGE_LOADER:
        raise ConfigError(f'{cfg.filename} has no test_pipeline that starts with {IMAGE_LOADER}: add one.')
    if steps[0].get('color_type', 'color') != 'color':
        raise ConfigError(f'{cfg.filename}: color_type={steps[0]["color_type"]!r}; only colour images are predicted.')
    for option, read in READ_AS.items():
        if steps[0].get(option, read) != read:
            raise ConfigError(
                f'{cfg.filename}: {IMAGE_LOADER} of test_pipeline has {option}={steps[0][option]!r}; predictions '
                f'read images as {option}={read!r} does: leave it out and train so.'
            )
    return [step for step in steps[1:] if step['type'] not in SKIPPED_STEPS]


class Preparation:
    """Turns an image into a sample for MMSegmentation's ``test_step``.

    Args:
        steps: Transforms behind the reading of the file, the last one packs; see :func:`image_steps`.
    """

    def __init__(self, steps: Sequence[dict]) -> None:
        self.pipeline = Compose([TRANSFORMS.build(step) for step in steps])

    def __call__(self, image: np.ndarray, name: str = 'image') -> Sample:
        """Prepare an image.

        MMSegmentation is told that the size it works at is the original one, so that scores come at that size.

        Args:
            image: uint8, H x W x 3, BGR.
            name: How errors call it.

        Returns:
            ``inputs``, a tensor of (3, h, w), and ``data_samples``.

        Raises:
            InputError: If a transform cannot handle the image.
        """
        size = image.shape[:2]
        results = {'img': image, 'img_shape': size, 'ori_shape': size, 'img_path': name, 'seg_fields': []}
        try:
            sample = self.pipeline(results)
        except (ValueError, AssertionError, cv2.error) as error:
            raise InputError(f'{name} cannot be prepared as the test pipeline says: {error}') from error
        sample['data_samples'].set_metainfo({'ori_shape': tuple(sample['inputs'].shape[1:])})
        return sample
