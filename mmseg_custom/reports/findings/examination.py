"""The last winner run once over the official val split: confusion matrix, score of every image, samples."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from mmengine.registry import init_default_scope
from mmseg.registry import METRICS
from torch import Tensor

from mmseg_custom.config import WINNER_FILE, load_run_config
from mmseg_custom.evaluation import ImageResult, SegmentationMetric, scores_of
from mmseg_custom.fusion.weight_scorer import WeightScorer
from mmseg_custom.io.checkpoints.checkpoint_file import load_weights
from mmseg_custom.io.files import read_json, write_json
from mmseg_custom.reports.findings.recipe_record import RecipeRecord, ReportError, StageRecord
from mmseg_custom.reports.findings.sample_images import Sample, picture

# Count up when what is kept changes: an older file is then made anew.
CACHE_VERSION = 1
CACHE_FILE = 'report_cache.json'
# In points of mIoU: another device or version of PyTorch rounds differently.
TOLERANCE = 0.5


@dataclass(frozen=True)
class Examination:
    """What a winner does on the val split.

    Attributes:
        weights: The checksum of the weights.
        classes: Names of the classes.
        palette: An RGB colour a class.
        matrix: Pixels by true (row) and predicted class.
        scores: mIoU of every image over the classes that occur in it, in percent.
        best: The images with the highest mIoU, best first.
        worst: The images with the lowest mIoU, worst first.
        model: What predicted.
        images: What it predicted.
    """

    weights: str
    classes: list[str]
    palette: list[list[int]]
    matrix: list[list[int]]
    scores: dict[str, float]
    best: list[Sample]
    worst: list[Sample]
    model: str = 'the winner'
    images: str = 'val'


@METRICS.register_module()
class ImageRecords(SegmentationMetric):
    """The metric of every stage, which also keeps label and prediction of the best and the worst few images.

    Args:
        shown: How many of the best, and of the worst, images are kept. Defaults to 3.
        **kwargs: As :class:`~mmseg_custom.evaluation.SegmentationMetric`.
    """

    def __init__(self, shown: int = 3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shown = shown
        self._kept: list[tuple[float, str, np.ndarray, np.ndarray]] = []

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Count one batch and see whether its images are among the best or worst."""
        super().process(data_batch, data_samples)
        for sample, image in zip(data_samples, self.results[-len(data_samples) :], strict=True):
            score = scores_of(image.matrix)['mIoU']
            if not math.isnan(score):
                maps = (sample[key]['data'].squeeze(0) for key in ('gt_sem_seg', 'pred_sem_seg'))
                self._keep(score, image.path, *maps)

    def compute_metrics(self, results: list[ImageResult]) -> dict[str, Any]:
        """The scores, with the matrix of all images, the mIoU of each, and the kept ones from worst to best."""
        scores = self.add_up(results)
        images = {image.path: scores_of(image.matrix)['mIoU'] for image in results}
        return {**scores, 'matrix': self.matrix, 'images': images, 'kept': self._kept, 'meta': self.dataset_meta}

    def _keep(self, score: float, path: str, target: Tensor, prediction: Tensor) -> None:
        maps = (part.to('cpu', torch.uint8).numpy() for part in (target, prediction))
        self._kept = sorted([*self._kept, (score, path, *maps)], key=lambda kept: kept[:2])
        del self._kept[self.shown : -self.shown]


def examine_winner(recipe: RecipeRecord, cfg_options: dict[str, Any] | None = None) -> Examination:
    """Examine the winner of the last fused stage; a second call reads what the first one found.

    Args:
        recipe: What its ledgers say.
        cfg_options: Overrides for the config, by dotted key, as the recipe was run with.

    Raises:
        ReportError: If no stage has a winner yet, or its ledger names no config.
        OSError: If config or data are not there.
    """
    if not recipe.fused:
        raise ReportError('No stage has a winner yet: there are no weights to examine.')
    stage = recipe.fused[-1]
    cache = recipe.folder / CACHE_FILE
    kept = _read_cache(cache, stage.winner['weights'])
    if kept:
        return kept
    examination = _examine(stage, cfg_options)
    write_json({'version': CACHE_VERSION, **asdict(examination)}, cache)
    return examination


def _read_cache(path: Any, weights: str) -> Examination | None:
    try:
        content = read_json(path)
    except (OSError, ValueError):
        return None
    if content.pop('version', None) != CACHE_VERSION or content.get('weights') != weights:
        return None
    samples = {key: [Sample(**sample) for sample in content[key]] for key in ('best', 'worst')}
    return Examination(**{**content, **samples})


def _examine(stage: StageRecord, cfg_options: dict[str, Any] | None) -> Examination:
    config = next(iter(stage.runs.values()))['config']
    if config is None:
        raise ReportError(f'The ledger of stage {stage.number} names no config to build the network and data from.')
    cfg = load_run_config(config, cfg_options=cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    cfg.test_evaluator = {'type': 'ImageRecords'}
    weights = load_weights(stage.folder / WINNER_FILE)
    try:
        found = WeightScorer(cfg)(weights)
    except RuntimeError as error:
        raise ReportError(f'The winner cannot be run as {config} says: {error}') from error
    _compare(found['mIoU'], stage, config)
    palette = [list(map(int, colour)) for colour in found['meta']['palette']]
    samples = [picture(path, score, target, prediction, palette) for score, path, target, prediction in found['kept']]
    half = len(samples) // 2
    return Examination(
        weights=stage.winner['weights'],
        classes=list(found['meta']['classes']),
        palette=palette,
        matrix=found['matrix'].tolist(),
        scores=found['images'],
        best=samples[half:][::-1],
        worst=samples[:half],
    )


def _compare(score: float, stage: StageRecord, config: str) -> None:
    recorded = stage.winner['val']['mIoU']
    if abs(score - recorded) > TOLERANCE:
        raise ReportError(
            f'The winner of stage {stage.number} now reaches {score:.2f} mIoU with {config}, but its ledger says '
            f'{recorded:.2f}: config or data have changed since. Take them back.'
        )
