"""What the folds do on the images that were held out of them: it was counted when they were scored."""

import numpy as np

from mmseg_custom.datasets.class_colours import check_palette
from mmseg_custom.io.checkpoints.checkpoint_file import load_checkpoint_file
from mmseg_custom.ledger.held_out_counts import HeldOutCounts, counts_file, read_counts
from mmseg_custom.ledger.stage_ledger import StageLedger
from mmseg_custom.reports.findings.examination import Examination
from mmseg_custom.reports.findings.recipe_record import RecipeRecord, ReportError


def examine_folds(recipe: RecipeRecord) -> Examination:
    """The confusion matrix of the last complete stage, over all images out of fold; it has no samples.

    Raises:
        ReportError: If no stage was added up.
        StageError: If the counts of a fold are gone.
    """
    stage = next((stage for stage in reversed(recipe.stages) if stage.out_of_fold), None)
    if stage is None or stage.out_of_fold is None:
        raise ReportError('No stage has all of its folds yet: there is nothing to examine.')
    found = stage.out_of_fold
    pool = HeldOutCounts.together([read_counts(counts_file(stage.folder, fold.name)) for fold in found.folds])
    return Examination(
        weights='',
        classes=found.classes,
        palette=_palette(StageLedger(stage.folder), found.folds[0].name, found.classes),
        matrix=pool.matrix.tolist(),
        scores=dict(zip(pool.paths, _miou_of_images(pool.areas), strict=True)),
        best=[],
        worst=[],
        model='the folds',
        images='their held-out images',
    )


def _palette(ledger: StageLedger, run_name: str, classes: list[str]) -> list[list[int]]:
    meta = load_checkpoint_file(ledger.weights_path(run_name), mmap=True).get('meta') or {}
    return check_palette(classes, (meta.get('dataset_meta') or {}).get('palette'))


def _miou_of_images(areas: np.ndarray) -> list[float]:
    intersection, prediction, label = np.moveaxis(areas.astype(np.float64), 1, 0)
    union = prediction + label - intersection
    occurs = union > 0
    iou = np.divide(intersection, union, out=np.zeros_like(union), where=occurs)
    return (100 * iou.sum(1) / np.maximum(occurs.sum(1), 1)).tolist()
