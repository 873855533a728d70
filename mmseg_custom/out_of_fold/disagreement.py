"""Does the disagreement of the folds find errors? On images that none of them was trained on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.runner import Runner
from prettytable import PrettyTable
from torch import Tensor

from mmseg_custom.cross_validation.stored_run import TrainedFold
from mmseg_custom.datasets.checks.loader_errors import lost_workers_explained
from mmseg_custom.engine.stop_signals import shield_workers
from mmseg_custom.errors import UserError
from mmseg_custom.evaluation.kept_predictions import VOID
from mmseg_custom.evaluation.quick_argmax import predict_batch
from mmseg_custom.evaluation.uncertainty import Disagreement, ErrorRanking, entropy
from mmseg_custom.io.files import write_json
from mmseg_custom.ledger.images import images_of
from mmseg_custom.ledger.lineage import image_set, may_have_seen
from mmseg_custom.messages import Report
from mmseg_custom.models.one_output import most_probable, probabilities, threshold_of
from mmseg_custom.out_of_fold.predict import network_of
from mmseg_custom.out_of_fold.scores import MARK
from mmseg_custom.reports.findings.out_of_fold import without_nan

DISAGREEMENT_FILE = 'disagreement.json'
TOGETHER, ALONE = 'the folds together', 'one fold'
BY_DISAGREEMENT, BY_ENTROPY = 'disagreement of the folds', 'entropy of their mean'
BY_MEAN, BY_OWN = 'confidence of their mean', "one fold's own confidence"


class DisagreementError(UserError, ValueError):
    """Folds that cannot be asked what they disagree on; the message says why."""


@dataclass(frozen=True)
class ErrorsFound:
    """How well wrong pixels are told from right ones: AUROC by whose errors they are and by what ranks them.

    Attributes:
        images: Number of images.
        seen: Whether weights may have been trained on them.
        auroc: By the pair of these names; for one fold the mean over the folds.
    """

    images: int
    seen: bool
    auroc: dict[tuple[str, str], float]


@lost_workers_explained()
@torch.no_grad()
def find_errors_by_disagreement(folds: Sequence[TrainedFold], report: Report) -> ErrorsFound:
    """Let all folds predict the val split of the config, or what was carved out, an image at a time.

    Raises:
        DisagreementError: If there is one fold, or no image that none of them was trained on.
    """
    loader_cfg = folds[0].cfg.get('test_dataloader')
    if len(folds) < 2 or not loader_cfg:
        raise DisagreementError(
            'Disagreement is looked at on images that no fold is trained on, and the config of the run has none: '
            'give it a val_dataloader, or run with --holdout 0.1.'
        )
    loader = Runner.build_dataloader(loader_cfg)
    shield_workers(loader)
    images = images_of(loader.dataset)
    data = image_set(loader.dataset, images)
    seen = any(may_have_seen(fold.entry['lineage'], data, images) for fold in folds)
    report(f'{len(folds)} folds predict {len(loader.dataset)} images that none of them is trained on')
    models = [network_of(fold) for fold in folds]
    rankings: dict[tuple[str, str, int], ErrorRanking] = {}
    for batch in loader:
        for predicted in zip(*(predict_batch(model, batch) for model in models), strict=True):
            for key, scores, wrong in _rank(predicted, threshold_of(models[0])):
                rankings.setdefault(key, ErrorRanking()).add(scores, wrong)
    pairs = dict.fromkeys((whose, by) for whose, by, _ in rankings)
    auroc = {
        pair: float(np.mean([one.auroc() for key, one in rankings.items() if key[:2] == pair])) for pair in pairs
    }
    return ErrorsFound(len(loader.dataset), seen, auroc)


def _rank(samples: Sequence[Any], threshold: float | None) -> Iterator[tuple[tuple[str, str, int], Tensor, Tensor]]:
    """What ranks the pixels of an image, and which are wrong; void ones are left out."""
    folds, own = Disagreement(), []
    label = samples[0].gt_sem_seg.data.squeeze(0).to(samples[0].seg_logits.data.device)
    if label.shape != samples[0].pred_sem_seg.data.shape[-2:]:
        raise DisagreementError(
            f'{samples[0].img_path}: the label has {tuple(label.shape)} pixels and the prediction '
            f'{tuple(samples[0].pred_sem_seg.data.shape[-2:])}: load the label behind Resize in the test pipeline.'
        )
    known = label != VOID
    for sample in samples:
        of_fold = probabilities(sample.seg_logits.data, threshold)
        folds.add(_both(of_fold))
        own.append((1 - _both(of_fold).amax(0), sample.pred_sem_seg.data.squeeze(0)))
    mean, apart = folds.mean, folds.mutual_information()
    together = most_probable(mean if threshold is None else mean[1:], threshold).squeeze(0)
    ranked = {BY_DISAGREEMENT: apart, BY_ENTROPY: entropy(mean) / np.log(len(mean)), BY_MEAN: 1 - mean.amax(0)}
    wrong = (together != label)[known]
    for by, scores in ranked.items():
        yield (TOGETHER, by, 0), scores[known], wrong
    for number, (unsure, classes) in enumerate(own):
        yield (TOGETHER, BY_OWN, number), unsure[known], wrong
        wrong_alone = (classes != label)[known]
        yield (ALONE, BY_OWN, number), unsure[known], wrong_alone
        yield (ALONE, BY_DISAGREEMENT, number), apart[known], wrong_alone


def _both(found: Tensor) -> Tensor:
    return torch.cat([1 - found, found]) if len(found) == 1 else found


def write_errors_found(found: ErrorsFound, folder: Path) -> None:
    """Write ``disagreement.json``."""
    rows = [{'errors_of': whose, 'ranked_by': by, 'auroc': value} for (whose, by), value in found.auroc.items()]
    write_json(without_nan({'images': found.images, 'seen': found.seen, 'rows': rows}), folder / DISAGREEMENT_FILE)


def errors_found_text(found: ErrorsFound) -> str:
    """As a table."""
    table = PrettyTable(['errors of', 'ranked by', 'AUROC'])
    table.align = 'l'
    for (whose, by), value in found.auroc.items():
        table.add_row([whose, by, f'{value:.3f}{MARK if found.seen else ""}'])
    return f'How well wrong pixels are found, over {found.images} images:\n{table.get_string()}'
