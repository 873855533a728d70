"""The images of a config that an int8 network is calibrated on and scored on."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmseg.registry import DATASETS

from mmseg_custom.config import ConfigError
from mmseg_custom.errors import UserError
from mmseg_custom.fold_settings import choose_fold, fold_of, held_out_loader
from mmseg_custom.inference.preparation import Preparation, Sample
from mmseg_custom.inference.readers import read_image

# Ranges of activations settle within tens of images; each costs the graph without the runtime's optimisations.
CALIBRATION_IMAGES = 32
SCORED_IMAGES = 100
SEED = 0


class Int8Data:
    """What a config has for int8: images that it trains on, and images with labels that it validates on.

    Of both a seeded sample is taken. A cross-validation without a val split has those held out of its first fold.

    Args:
        cfg: The config; a fold may be chosen in it.

    Attributes:
        calibration: Image files of the training data, at most 32.
        scored: The data set of ``val_dataloader``.
        indices: Of at most 100 images in it.

    Raises:
        ConfigError: If there are no training images, no images to score on, or these have no labels.
        SampleError: If the first image to score on, or its label, cannot be used.
    """

    def __init__(self, cfg: Config) -> None:
        for loader in ('train_dataloader', 'val_dataloader'):
            if not cfg.get(loader):
                raise ConfigError(
                    f'{cfg.filename} has no {loader}: --int8 is calibrated on training images and scored on those '
                    'of val. Name a config that has both.'
                )
        if fold_of(cfg) is None and _is_cut_from_train(cfg.val_dataloader['dataset']):
            choose_fold(cfg, 1)
        train = _build(cfg, 'train_dataloader', cfg.train_dataloader['dataset'])
        files = list(dict.fromkeys(train.get_data_info(index).get('img_path') for index in range(len(train))))
        if not all(isinstance(file, str) and Path(file).is_file() for file in files):
            raise ConfigError(f'{cfg.filename}: --int8 needs training images in files on a local disk.')
        self.calibration = [files[index] for index in _sample(len(files), CALIBRATION_IMAGES)]
        self.scored = _build(cfg, 'val_dataloader', held_out_loader(cfg)['dataset'])
        self.indices = _sample(len(self.scored), SCORED_IMAGES)
        if 'gt_sem_seg' not in self.scored[self.indices[0]]['data_samples']:
            raise ConfigError(
                f'{cfg.filename}: the images of val_dataloader have no labels, so that the loss of int8 cannot be '
                'measured. Name a config whose val_dataloader reads labels (LoadAnnotations in its pipeline).'
            )

    def calibration_inputs(self, preparation: Preparation) -> Iterator[np.ndarray]:
        """The training images as the graph takes them, float32 (1, 3, H, W), RGB, 0 to 255, one after another."""
        for file in self.calibration:
            image = preparation(read_image(Path(file)), file)['inputs']
            yield image.numpy()[None, ::-1].astype(np.float32)

    def samples(self) -> Iterator[Sample]:
        """The samples to score on, each with ``inputs`` and its label in ``data_samples``."""
        for index in self.indices:
            yield self.scored[index]


def _is_cut_from_train(dataset: Mapping[str, Any]) -> bool:
    """Whether a data set is the held-out part of any data set, so that it is none without a fold."""
    return 'folds' in dataset and 'dataset' in dataset and dataset.get('fold') is None


def _build(cfg: Config, loader: str, settings: Mapping[str, Any]) -> Any:
    try:
        dataset = DATASETS.build(dict(settings))
        if not len(dataset):
            raise ConfigError(f'{cfg.filename}: {loader} has no images.')
    except (UserError, OSError):
        raise
    except Exception as error:  # It may be the user's own class.
        raise ConfigError(f'{cfg.filename}: {loader} has no images ({type(error).__name__}: {error}).') from error
    return dataset


def _sample(number: int, limit: int) -> Sequence[int]:
    chosen = np.random.default_rng(SEED).choice(number, min(number, limit), replace=False)
    return sorted(chosen.tolist())
