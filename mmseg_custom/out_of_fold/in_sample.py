"""What memory is worth: each image by weights that were trained on it, beside those that have never seen it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from operator import itemgetter
from typing import Any

import torch

from mmseg_custom.cross_validation.predictors import choose_in_sample
from mmseg_custom.cross_validation.stored_run import TrainedFold
from mmseg_custom.evaluation.kept_predictions import Index, KeptPredictions
from mmseg_custom.evaluation.scores import scores_of
from mmseg_custom.io.files import write_csv, write_json
from mmseg_custom.messages import Report
from mmseg_custom.out_of_fold.paired_scores import compare_kept, paired_table
from mmseg_custom.out_of_fold.predict import OutOfFoldPass
from mmseg_custom.reports.findings.out_of_fold import without_nan

IMAGES_FILE, SCORES_FILE = 'in_sample.csv', 'in_sample.json'
SHOWN = ('mIoU', 'aAcc')
COLUMNS = [
    'image',
    'out_of_fold_by',
    'in_sample_by',
    *(f'{key}_{of}' for key in SHOWN for of in ('out', 'in', 'gap')),
]


@dataclass(frozen=True)
class InSample:
    """Predictions in sample, in a folder of their own: they never mix with those out of fold.

    Attributes:
        folds: Of the stage.
        kept: Where they go.
        out_of_fold: The predictions out of fold.
        index: What both are about.
    """

    folds: Sequence[TrainedFold]
    kept: KeptPredictions
    out_of_fold: KeptPredictions
    index: Index

    def predict(self, chosen: Collection[str], report: Report) -> None:
        """Predict what is missing, by some folds.

        Args:
            chosen: Names of folds.
            report: Takes lines for the user.
        """
        report('in sample, by weights that were trained on the image:')
        parts = [part for part in choose_in_sample(self.folds) if part.predictor.name in chosen]
        self.kept.write_index(self.index)
        OutOfFoldPass(self.kept, None, report).run(parts)

    def tell(self, groups: Mapping[str, str] | None) -> str:
        """Write the gap, of all images and of each, beside the predictions out of fold; the table of the former.

        Args:
            groups: The group of each image, drawn whole for the intervals; ``None``: each image is one.
        """
        names = [name for part in choose_in_sample(self.folds) for name in part.names]
        scores = compare_kept(self.out_of_fold, self.kept, names, self.index.classes, groups, in_sample=True)
        write_json(without_nan(asdict(scores)), self.out_of_fold.folder / SCORES_FILE)
        rows = sorted(map(self._gap, names), key=lambda row: (-float(row['mIoU_gap'] or 0), row['image']))
        write_csv(COLUMNS, map(itemgetter(*COLUMNS), rows), self.out_of_fold.folder / IMAGES_FILE)
        return (
            f'What memory is worth, over {scores.images} images; image by image, the largest gap first: '
            f'{IMAGES_FILE}.\n' + paired_table({'': scores}, 'out of fold', 'in sample')
        )

    def _gap(self, name: str) -> dict[str, Any]:
        """An image's scores, in percent; empty where all of it is void."""
        records = [kept.record(name) for kept in (self.out_of_fold, self.kept)]
        out, inside = (scores_of(torch.from_numpy(record.matrix())) for record in records)
        row = dict(zip(COLUMNS, [name, *(record.predicted_by for record in records)], strict=False))
        for key in SHOWN:
            values = {'out': out[key], 'in': inside[key], 'gap': inside[key] - out[key]}
            row |= {f'{key}_{of}': '' if value != value else f'{value:.3f}' for of, value in values.items()}
        return row
