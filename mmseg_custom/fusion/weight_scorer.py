"""Scoring weights as a config says: its network, its official val split, its metric."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.dist import all_gather_object, get_world_size, is_main_process
from mmengine.evaluator import Evaluator
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.data import DataLoader

from mmseg_custom.averaging import recalibrate_batch_norm
from mmseg_custom.datasets.checks.bad_samples import Skipped, skipped_in
from mmseg_custom.datasets.checks.loader_errors import lost_workers_explained
from mmseg_custom.datasets.seeded_dataset import with_seeds
from mmseg_custom.engine.network import build_network, give_weights
from mmseg_custom.engine.stop_signals import shield_workers
from mmseg_custom.errors import UserError
from mmseg_custom.evaluation import SegmentationMetric, score
from mmseg_custom.evaluation.score import ENSEMBLE
from mmseg_custom.evaluation.segmentation_metric import ImageResult
from mmseg_custom.fold_settings import held_out_loader
from mmseg_custom.ledger.images import Images, images_of
from mmseg_custom.ledger.lineage import IDENTITIES, ImageSet, image_set
from mmseg_custom.ledger.stage_ledger import Entry

StateDict = Mapping[str, Tensor]
VAL = 'val'
HELD_OUT = 'held_out'  # What `held_out_loader` gives: of a fold, its held-out images.
# In a batch that batch norm is measured on: behind a global pooling one image has no variance.
LEAST_IMAGES = 2


class ScoringError(UserError, ValueError):
    """Weights that cannot be scored or recalibrated as asked; the message says why."""


@dataclass(frozen=True)
class ScoringOrder:
    """What is to be scored together, in one pass over the images of each part.

    Attributes:
        weights: State dicts by name; each is held in memory, and on the device, once.
        ensemble: Names among them whose mean probabilities are scored as ``'ensemble'``.
        recalibrated: Names among them whose batch norm statistics are measured anew first.
        parts: Parts of the data set that give the images.
    """

    weights: Mapping[str, StateDict]
    ensemble: Sequence[str] = ()
    recalibrated: Sequence[str] = ()
    parts: Sequence[str] = (VAL,)


@dataclass(frozen=True)
class Scored:
    """What became of one of the weights of a :class:`ScoringOrder`.

    Attributes:
        scores: The metrics by part.
        matrices: The confusion matrix of each image by part, int64 (N, C, C), in the main process and with
            :class:`SegmentationMetric` only.
        weights: The recalibrated state dict, ``None`` for one that was scored as it came.
        statistics: The images behind its statistics, as :func:`average_lineage` takes them.
        images: What was scored on, by part: an :func:`image_set` and the images, in the main process only.
        paths: Of the images of the matrices, by part.
    """

    scores: Mapping[str, Entry]
    matrices: Mapping[str, Tensor] = field(default_factory=dict)
    weights: StateDict | None = None
    statistics: Entry | None = None
    images: Mapping[str, tuple[ImageSet, Images | None]] = field(default_factory=dict)
    paths: Mapping[str, list[str]] = field(default_factory=dict)


Scorer = Callable[[ScoringOrder], Mapping[str, Scored]]


class WeightScorer:
    """Gives the metrics of state dicts; network and data are built once, at the first call.

    Args:
        cfg: A stage's config; its ``test_dataloader`` gives the images, of its own part (the official val split) or
            of another one, its ``train_dataloader`` those for batch norm.
        bn_images: Images that batch norm statistics are measured on, a multiple of the batch size. Defaults to
            ``None``: all that the stage trains on.

    Attributes:
        skipped: The images that could not be scored, and why.
    """

    def __init__(self, cfg: Config, bn_images: int | None = None) -> None:
        self.cfg, self.bn_images = cfg, bn_images
        self.skipped: Skipped = {}
        self._template: nn.Module | None = None
        self._loaders: dict[str, DataLoader] = {}
        self._images: dict[str, tuple[ImageSet, Images | None]] = {}

    def __call__(self, weights: StateDict) -> dict[str, float]:
        """The metrics of one state dict on the official val split; raises as :meth:`together`."""
        return self.together(ScoringOrder({'': weights}))[''].scores[VAL]

    @lost_workers_explained()
    def together(self, order: ScoringOrder) -> dict[str, Scored]:
        """Score weights in one pass; for each the same metrics as MMEngine's test loop gives, without a loss.

        Raises:
            CheckpointError: If they are of another architecture than the config's.
            ScoringError: If there are too few images for batch norm.
            LoaderError: If a worker of the data loader died.
        """
        models = {name: self._model(weights) for name, weights in order.weights.items()}
        statistics = self._recalibrate([models[name] for name in order.recalibrated])
        by_part = {part: self._score(models, order.ensemble, part) for part in order.parts}
        for skipped in all_gather_object(self.skipped):
            self.skipped.update(skipped)
        images = {part: self._images_of(part) for part in order.parts} if is_main_process() else {}
        names = [*models, *([ENSEMBLE] if order.ensemble else [])]
        anew = {name: (_on_cpu(models[name].state_dict()), statistics) for name in order.recalibrated}
        return {
            name: Scored(
                {part: scores[name] for part, (scores, _) in by_part.items()},
                {
                    part: torch.stack([one.matrix for one in found[name]])
                    for part, (_, found) in by_part.items()
                    if name in found
                },
                *anew.get(name, (None, None)),
                images,
                {part: [one.path for one in found[name]] for part, (_, found) in by_part.items() if name in found},
            )
            for name in names
        }

    def _model(self, weights: StateDict) -> nn.Module:
        if self._template is None:
            self._template = build_network(self.cfg.model)
        model = deepcopy(self._template)
        give_weights(model, weights, f'What {self.cfg.filename} is to score')
        return model.to(get_device())

    def _score(self, models: Mapping[str, nn.Module], ensemble: Sequence[str], part: str) -> tuple[dict, dict]:
        """The metrics and the single images of one part, by name."""
        names = [*models, *([ENSEMBLE] if ensemble else [])]
        evaluators = {name: Evaluator(self._metric(part)) for name in names}
        loader = self._loader(part)
        scores = score(models, loader, evaluators, ensemble, lambda batch: self.skipped.update(skipped_in(batch)))
        images = {name: _images(evaluator) for name, evaluator in evaluators.items()}
        return scores, {name: found for name, found in images.items() if found}

    def _metric(self, part: str) -> Any:
        return {'type': 'mmseg.SegmentationMetric'} if part == HELD_OUT else self.cfg.test_evaluator

    def _loader(self, part: str) -> DataLoader:
        if part not in self._loaders:
            settings = held_out_loader(self.cfg) if part == HELD_OUT else self.cfg.test_dataloader
            if part not in (VAL, HELD_OUT):
                settings = {**settings, 'dataset': {**settings.dataset, 'part': part, 'fold': None}}
            self._loaders[part] = self._build_loader(settings)
        return self._loaders[part]

    def _images_of(self, part: str) -> tuple[ImageSet, Images | None]:
        if part not in self._images:
            dataset = self._loader(part).dataset
            images = images_of(dataset)
            self._images[part] = image_set(dataset, images), images
        return self._images[part]

    def _recalibrate(self, models: Sequence[nn.Module]) -> Entry | None:
        """Measure batch norm anew on the images of all folds, in the order and with the augmentations of training."""
        if not models:
            return None
        train = self.cfg.train_dataloader
        share = max(train.batch_size // get_world_size(), LEAST_IMAGES)
        dataset = {**train.dataset, 'fold': None}
        loader = self._build_loader({**train, 'batch_size': share, 'drop_last': True, 'dataset': dataset})
        step = share * get_world_size()
        batches = min(len(loader), -(-self.bn_images // step) if self.bn_images else len(loader))
        if not batches:
            raise ScoringError(
                f'{self.cfg.filename}: batch norm cannot be recalibrated on less than a batch of {share} images.'
            )
        recalibrate_batch_norm(models, self._inputs(islice(loader, batches), models[0]), self._seed)
        images = images_of(loader.dataset) if is_main_process() else None
        listed = {} if images is None else {IDENTITIES: images.as_text()}
        return {**image_set(loader.dataset, images), 'images': batches * step, **listed}

    @staticmethod
    def _inputs(batches: Iterator[dict], model: nn.Module) -> Iterator[Tensor]:
        for batch in batches:
            yield model.data_preprocessor(batch, True)['inputs']

    @property
    def _seed(self) -> int | None:
        return self.cfg.get('randomness', {}).get('seed')

    def _build_loader(self, settings: dict) -> DataLoader:
        loader = Runner.build_dataloader(with_seeds(settings), seed=self._seed)
        shield_workers(loader)
        return loader


def _images(evaluator: Evaluator) -> list[ImageResult]:
    """What each image came to, none where the metric keeps nothing."""
    for metric in evaluator.metrics:
        if isinstance(metric, SegmentationMetric) and metric.per_image:
            return metric.per_image
    return []


def _on_cpu(weights: StateDict) -> dict[str, Tensor]:
    return {key: value.detach().cpu() for key, value in weights.items()}
