"""What `mmseg-kfold out-of-fold` and `mmseg-kfold label-errors` do once their arguments are read."""

from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mmseg_custom.cross_validation.out_of_fold_scores import score_records, scores_text, write_scores
from mmseg_custom.cross_validation.predict_out_of_fold import OutOfFoldPass
from mmseg_custom.cross_validation.predictors import choose_predictors, refuse_seen
from mmseg_custom.cross_validation.stored_run import TrainedFold, predictions_folder, read_stage
from mmseg_custom.datasets.class_colours import MetainfoError, check_classes, check_palette, default_palette
from mmseg_custom.datasets.folds.grouping import FoldError, group_names
from mmseg_custom.datasets.folds.leaves import build_leaves, list_samples
from mmseg_custom.evaluation.kept_predictions import Index, KeptPredictions
from mmseg_custom.evaluation.submission_writer import encode_png
from mmseg_custom.io.files import write_bytes
from mmseg_custom.label_errors.files import SUGGESTIONS, write_coco, write_tables
from mmseg_custom.label_errors.page import Page
from mmseg_custom.label_errors.search import LabelErrors, Search
from mmseg_custom.label_errors.verdicts import RIGHT, read_verdicts
from mmseg_custom.ledger.data_checksums import DATA_CHECKSUMS, changed_data, data_checksums
from mmseg_custom.options import check_chosen

LABEL_ERRORS = 'label_errors'
SHOWN = 10

Report = Callable[[str], None]


def predict_out_of_fold(args: Namespace, say: Report) -> None:
    """`mmseg-kfold out-of-fold`."""
    folds = read_stage(args.folder, args.stage)
    check_chosen('--only', args.only, range(1, len(folds) + 1), str(args.folder), 'folds')
    _tell_changes(folds[0], say)
    parts = choose_predictors(folds)
    if not args.allow_seen:
        refuse_seen(parts, args.stage)
    kept = KeptPredictions(predictions_folder(args.folder, args.stage))
    names = [name for fold in folds for name in fold.samples]
    groups = _groups(folds, say)
    index = _index(folds[0].held_out.metainfo, names, groups or {})
    kept.write_index(index)
    chosen = {fold.name for number, fold in enumerate(folds, start=1) if args.only is None or number in args.only}
    OutOfFoldPass(kept, args.probabilities, say).run([part for part in parts if part.predictor.name in chosen])
    if len(chosen) < len(folds):
        say('The scores come when all images are predicted: the same command without --only.')
        return
    scores = score_records(map(kept.record, names), index.classes, groups)
    write_scores(scores, kept.folder)
    say(scores_text(scores))
    say(f'kept in {kept.folder}')


def find_label_errors(args: Namespace, say: Report) -> None:
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
    say('\n'.join([facts, *surest, f'kept in {folder}; to look at and judge: {page}']))


def _tell_changes(fold: TrainedFold, say: Report) -> None:
    """Say that files are not what the folds were trained on; the predictions are out of fold all the same."""
    samples = list_samples(build_leaves(fold.cfg.train_dataloader.dataset.dataset))
    change = changed_data(fold.entry.get(DATA_CHECKSUMS), data_checksums(samples))
    if change:
        say(
            f'{change} have changed since the folds were trained: these weights learned from the older ones and are '
            'scored on those that are there now.'
        )


def _index(meta: Mapping[str, Any], names: list[str], groups: dict[str, str]) -> Index:
    classes = check_classes(meta.get('classes'))
    try:
        palette = check_palette(classes, meta.get('palette'))
    except MetainfoError:  # Colours are for looking alone.
        palette = default_palette(len(classes))
    return Index(list(classes), [list(colour) for colour in palette], names, groups)


def _groups(folds: Sequence[TrainedFold], say: Report) -> dict[str, str] | None:
    """The group of each image as the fold file has it."""
    split = folds[0].held_out.fold_split
    if split.group_by is None:
        return None
    try:
        groups = group_names([name for fold in folds for name in fold.samples], split.group_by, split.block_size)
    except FoldError as error:  # Their table may be gone; the predictions are good without it.
        say(f'No scores by group: {error}')
        return None
    return {name: group for group, names in groups.items() for name in names}


def _write_suggestion(folder: Path, name: str, classes: np.ndarray) -> None:
    write_bytes(encode_png(classes), folder / SUGGESTIONS / f'{name}.png')


def _summary(errors: LabelErrors, index: Index) -> list[str]:
    """A sentence, and a line each of the surest components."""
    labelled = sum(image.labelled for image in errors.images)
    seen = sum(image.record.seen for image in errors.images)
    note = f' {seen} images were predicted by weights that may have seen them: errors hide there.' if seen else ''
    return [
        f'{errors.pixels} of {labelled} labelled pixels are probably wrong; {len(errors.components)} components in '
        f'{sum(image.components > 0 for image in errors.images)} of {len(errors.images)} images.{note}',
        *(
            f'  {one.image}: {index.classes[one.given]}, but {index.classes[one.suggested]} is {one.score:.0f} times '
            f'as probable; {one.pixels} pixels at {one.box[0]}, {one.box[1]}'
            for one in errors.components[:SHOWN]
        ),
    ]
