"""Predicting every image by weights that have never seen it, and keeping what is worth it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.runner import Runner
from torch.utils.data import Subset

from mmseg_custom.cross_validation.predictors import Part
from mmseg_custom.cross_validation.stored_run import TrainedFold
from mmseg_custom.datasets.checks.loader_errors import lost_workers_explained
from mmseg_custom.engine.network import build_network, give_weights
from mmseg_custom.engine.stop_signals import shield_workers
from mmseg_custom.errors import UserError
from mmseg_custom.evaluation.calibration import CalibrationCounts
from mmseg_custom.evaluation.confusion_matrix import confusion_matrix
from mmseg_custom.evaluation.kept_predictions import VOID, KeptPredictions, Maps
from mmseg_custom.evaluation.pixel_probabilities import PixelProbabilities, as_levels
from mmseg_custom.evaluation.quick_argmax import predict_batch
from mmseg_custom.io.files import hash_text
from mmseg_custom.label_errors.confident_learning import label_quality, sum_by_class
from mmseg_custom.ledger.images import image_checksum
from mmseg_custom.messages import Report

Size = tuple[int, int]
EVERY = 100  # Images between two lines of progress.


class LabelError(UserError, ValueError):
    """A label that cannot be compared with its prediction; the message names the file."""


@dataclass(frozen=True)
class OutOfFoldPass:
    """Predicts the images of some parts into a folder; those that are there, made of the same, stay.

    Attributes:
        kept: Where they go.
        size: Height and width at which the probabilities of all classes are kept; ``None``: they are not.
        report: Takes lines for the user.
    """

    kept: KeptPredictions
    size: Size | None
    report: Report

    def run(self, parts: Sequence[Part]) -> None:
        """Predict what is missing.

        Raises:
            UserError: If weights, data or a label cannot be used.
        """
        for part in parts:
            made_of = {name: self._made_of(part, name) for name in part.names}
            names = [name for name in part.names if not self.kept.holds(name, made_of[name])]
            there = len(part.names) - len(names)
            self.report(
                f'{part.predictor.name} predicts {len(names)} images' + (f', {there} are there' if there else '')
            )
            if names:
                self._predict(part, names, made_of)

    @lost_workers_explained()
    @torch.no_grad()
    def _predict(self, part: Part, names: list[str], made_of: dict[str, dict[str, str]]) -> None:
        model = network_of(part.predictor)
        for done, (name, sample) in enumerate(zip(names, _predictions(model, part, names), strict=True), start=1):
            self._keep(part, name, sample, made_of[name])
            if done % EVERY == 0:
                self.report(f'  {done} of {len(names)}')

    def _keep(self, part: Part, name: str, sample: Any, made_of: dict[str, str]) -> None:
        info, classes = part.holder.samples[name], len(part.holder.held_out.metainfo['classes'])
        label = sample.gt_sem_seg.data.squeeze(0)
        predicted = sample.pred_sem_seg.data.squeeze(0).to(torch.int64)
        try:
            matrix = confusion_matrix(predicted, label.to(predicted.device), classes).numpy(force=True)
        except ValueError as error:
            raise LabelError(f'{info.get("seg_map_path", info["img_path"])}: {error}') from error
        probabilities = PixelProbabilities(sample.seg_logits.data)
        given = probabilities.of(label.to(predicted.device)).numpy(force=True)
        best = probabilities.of(predicted).numpy(force=True)
        ids = label.numpy(force=True).astype(np.uint8)
        self.kept.write(
            Maps(ids, predicted.numpy(force=True).astype(np.uint8), as_levels(given), as_levels(best)),
            probabilities.of_all(self.size) if self.size else None,
            CalibrationCounts.of(probabilities.logits, label.to(predicted.device)),
            name=name,
            image=info['img_path'],
            label=info.get('seg_map_path', ''),
            made_of=made_of,
            predicted_by=part.predictor.name,
            seen=part.seen,
            counts=[[*pair, int(matrix[tuple(pair)])] for pair in np.argwhere(matrix).tolist()],
            probability_sums=sum_by_class(given, ids, classes).tolist(),
            quality=label_quality(given[ids != VOID]),
        )

    def _made_of(self, part: Part, name: str) -> dict[str, str]:
        """Checksums of all that a prediction depends on."""
        label = part.holder.samples[name].get('seg_map_path', '')
        return {
            'weights': part.predictor.entry['weights'],
            'image': f'{part.holder.checksums[name]:x}',
            'label': f'{image_checksum(label):x}' if label else '',
            'settings': _settings(part.predictor.cfg, self.size),
        }


def _predictions(model: torch.nn.Module, part: Part, names: Sequence[str]) -> Iterator[Any]:
    """The predictions of held-out images, in order, as validation makes them."""
    positions = {name: index for index, name in enumerate(part.holder.samples)}
    dataset = Subset(part.holder.held_out, [positions[name] for name in names])
    loader = Runner.build_dataloader({**part.predictor.cfg.val_dataloader, 'dataset': dataset})
    shield_workers(loader)
    for batch in loader:
        yield from predict_batch(model, batch)


def network_of(fold: TrainedFold) -> torch.nn.Module:
    """The network of a fold with its weights, in evaluation mode, on the device that MMEngine chooses."""
    model = build_network(fold.cfg.model)
    give_weights(model, fold.weights(), str(fold.weights_file))
    return model.to(get_device()).eval()


def _settings(cfg: Config, size: Size | None) -> str:
    """A checksum of the network and of how held-out images are prepared."""
    loader = cfg.val_dataloader
    settings = {'model': cfg.model, 'dataset': {**loader.dataset, 'fold': None}, 'size': size}
    return hash_text(json.dumps(settings, sort_keys=True, default=str))
