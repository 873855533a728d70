"""What `mmseg-kfold out-of-fold` does once its arguments are read."""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg_custom.cross_validation.predictors import choose_predictors, refuse_seen
from mmseg_custom.cross_validation.stored_run import TrainedFold, in_sample_folder, predictions_folder, read_stage
from mmseg_custom.datasets.class_colours import MetainfoError, check_classes, check_palette, default_palette
from mmseg_custom.datasets.fix_list import read_fix_list
from mmseg_custom.datasets.folds.grouping import FoldError, group_of_each
from mmseg_custom.datasets.folds.leaves import build_leaves, list_samples
from mmseg_custom.evaluation.kept_predictions import Index, KeptPredictions, PredictionError
from mmseg_custom.io.files import write_json
from mmseg_custom.ledger.data_checksums import DATA_CHECKSUMS, changed_data, data_checksums
from mmseg_custom.messages import Report, say
from mmseg_custom.options import check_chosen
from mmseg_custom.out_of_fold.calibration import (
    calibrate_kept,
    calibration_text,
    write_calibration,
)
from mmseg_custom.out_of_fold.disagreement import (
    errors_found_text,
    find_errors_by_disagreement,
    write_errors_found,
)
from mmseg_custom.out_of_fold.in_sample import InSample
from mmseg_custom.out_of_fold.paired_scores import compare_kept, paired_table
from mmseg_custom.out_of_fold.predict import OutOfFoldPass
from mmseg_custom.out_of_fold.scores import score_records, scores_text, write_scores
from mmseg_custom.reports.findings.out_of_fold import without_nan

COMPARED = 'compared.json'


def predict_out_of_fold(args: Namespace, report: Report = say) -> None:
    """`mmseg-kfold out-of-fold`."""
    folds = read_stage(args.folder, args.stage)
    check_chosen('--only', args.only, range(1, len(folds) + 1), str(args.folder), 'folds')
    _tell_changes(folds[0], report)
    parts = choose_predictors(folds)
    if not args.allow_seen:
        refuse_seen(parts, args.stage)
    kept = KeptPredictions(predictions_folder(args.folder, args.stage))
    names = [name for fold in folds for name in fold.samples]
    groups = _groups(args, folds, report)
    index = _index(folds[0].held_out.metainfo, names, groups or {})
    kept.write_index(index)
    memory = InSample(folds, KeptPredictions(in_sample_folder(args.folder, args.stage)), kept, index)
    chosen = {fold.name for number, fold in enumerate(folds, start=1) if args.only is None or number in args.only}
    OutOfFoldPass(kept, args.probabilities, report).run([part for part in parts if part.predictor.name in chosen])
    if args.in_sample:
        memory.predict(chosen, report)
    if len(chosen) < len(folds):
        report('The scores come when all images are predicted: the same command without --only.')
        return
    scores = score_records(map(kept.record, names), index.classes, groups)
    write_scores(scores, kept.folder)
    report(scores_text(scores))
    calibration, seen = calibrate_kept(kept, names)
    write_calibration(calibration, kept.folder)
    report(calibration_text(calibration, seen))
    if args.in_sample:
        report(memory.tell(groups))
    if args.disagreement:
        found = find_errors_by_disagreement(folds, report)
        write_errors_found(found, kept.folder)
        report(errors_found_text(found))
    if args.compare:
        _compare(args, folds[0].cfg, kept, index, groups, report)
    report(f'kept in {kept.folder}')


def _compare(
    args: Namespace,
    cfg: Config,
    kept: KeptPredictions,
    index: Index,
    groups: Mapping[str, str] | None,
    report: Report,
) -> None:
    """Say how the predictions of another run compare, on all labels and without what is not trained on."""
    other = KeptPredictions(predictions_folder(args.compare, args.stage))
    there = other.index()
    if there.classes != index.classes:
        raise PredictionError(f'{other.folder} is of other classes than {kept.folder}: {", ".join(there.classes)}.')
    names = [name for name in index.names if name in set(there.names)]
    compare = partial(compare_kept, other, kept, names, index.classes, groups)
    scores = {'all labels': compare()}
    fix_list = cfg.train_dataloader.dataset.get('fix_list')
    if fix_list:
        scores['what is left of them'] = compare(fixes=read_fix_list(fix_list))
    write_json(without_nan({on: asdict(one) for on, one in scores.items()}), kept.folder / COMPARED)
    report(paired_table(scores, Path(args.compare).name, Path(args.folder).name))
    if fix_list:
        report(f'What is left of the labels: those without the images and regions of {fix_list}, for both runs.')


def _tell_changes(fold: TrainedFold, report: Report) -> None:
    """Say that files are not what the folds were trained on; the predictions are out of fold all the same."""
    samples = list_samples(build_leaves(fold.cfg.train_dataloader.dataset.dataset))
    change = changed_data(fold.entry.get(DATA_CHECKSUMS), data_checksums(samples))
    if change:
        report(
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


def _groups(args: Namespace, folds: Sequence[TrainedFold], report: Report) -> dict[str, str] | None:
    """The group of each image as the command asks for it, else as the fold file has it."""
    split, names = folds[0].held_out.fold_split, [name for fold in folds for name in fold.samples]
    asked = args.group_by or args.block_size
    group_by, block_size = (args.group_by, args.block_size) if asked else (split.group_by, split.block_size)
    if not asked and group_by is None:
        return None
    try:
        return group_of_each(names, group_by, block_size)
    except FoldError as error:
        if asked:
            raise
        # The run's table may be gone; the predictions are good without it.
        report(f'No scores by group: {error}')
        return None
