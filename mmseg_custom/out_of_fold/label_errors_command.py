"""What `mmseg-kfold label-errors` does once its arguments are read."""

from argparse import Namespace
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from mmseg_custom.cross_validation.stored_run import predictions_folder
from mmseg_custom.datasets.fix_list import write_fix_list
from mmseg_custom.datasets.sample_files import few
from mmseg_custom.evaluation.kept_predictions import Index, KeptPredictions
from mmseg_custom.evaluation.submission_writer import encode_png
from mmseg_custom.io.files import write_bytes
from mmseg_custom.label_errors.components import Component
from mmseg_custom.label_errors.files import SUGGESTIONS, write_coco, write_tables
from mmseg_custom.label_errors.page import Page
from mmseg_custom.label_errors.search import LabelErrors, Search
from mmseg_custom.label_errors.verdicts import RIGHT, Verdicts, fixes_of, read_verdicts
from mmseg_custom.messages import Report, say

LABEL_ERRORS, FIX_LIST = 'label_errors', 'fix_list.json'
SHOWN = 10


def find_label_errors(args: Namespace, report: Report = say) -> None:
    """`mmseg-kfold label-errors`."""
    verdicts = read_verdicts(args.verdicts) if args.verdicts else {}
    kept = KeptPredictions(predictions_folder(args.folder, args.stage))
    index = kept.index()
    folder = Path(args.folder) / LABEL_ERRORS / f'stage{args.stage}'
    errors = Search(args.boundary, args.min_size).run(kept, index.names, partial(_write_suggestion, folder))
    errors.components[:] = [one for one in errors.components if verdicts.get(one.key) != RIGHT]
    write_tables(errors, index, verdicts, folder)
    write_coco(errors, index, folder)
    facts, *surest = _summary(errors, index)
    title = f'Label errors: {Path(args.folder).name}, stage {args.stage}'
    page = Page(kept, index, folder).write(title, facts, errors, verdicts, args.shown)
    report('\n'.join([facts, *surest, f'kept in {folder}; to look at and judge: {page}']))
    if verdicts:
        _write_fixes(verdicts, errors, index, folder, report)


def _write_suggestion(folder: Path, name: str, classes: np.ndarray) -> None:
    write_bytes(encode_png(classes), folder / SUGGESTIONS / f'{name}.png', synced=False)  # Made anew each time.


def _write_fixes(verdicts: Verdicts, errors: LabelErrors, index: Index, folder: Path, report: Report) -> None:
    def pixels(one: Component) -> np.ndarray:
        suggested = cv2.imread(str(folder / SUGGESTIONS / f'{one.image}.png'), cv2.IMREAD_UNCHANGED)
        return one.pixels_among(suggested == one.suggested)

    fixes, unknown = fixes_of(verdicts, errors.components, index.names, pixels)
    write_fix_list(fixes, folder / FIX_LIST)
    report(
        f'{len(fixes.void)} components and {len(fixes.leave_out)} images were judged wrong; to train without them: '
        f'mmseg-kfold run CONFIG --work-dir NEW_FOLDER --fix-list {folder / FIX_LIST}'
    )
    if unknown:
        report(
            f'{len(unknown)} verdicts name nothing that was found now ({few(unknown)}): they are not in that list.'
        )


def _summary(errors: LabelErrors, index: Index) -> list[str]:
    """A sentence, and a line each of the surest components."""
    labelled = sum(image.labelled for image in errors.images)
    seen = sum(image.record.seen for image in errors.images)
    note = f' {seen} images were predicted by weights that may have seen them: errors hide there.' if seen else ''
    hit = sum(image.components > 0 for image in errors.images)
    return [
        f'The folds contradict {100 * errors.pixels / max(labelled, 1):.1f} % of the labelled pixels: '
        f'{len(errors.components)} components in {hit} of {len(errors.images)} images, the most suspicious first; '
        f'which of them are wrong is for you to say.{note}',
        *(
            f'  {one.image}: {index.classes[one.given]}, but {index.classes[one.suggested]} is {one.score:.0f} times '
            f'as probable; {one.pixels} pixels at {one.box[0]}, {one.box[1]}'
            for one in errors.components[:SHOWN]
        ),
    ]
