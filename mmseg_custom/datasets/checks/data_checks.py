"""What can be known of a data set before anything is trained on it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg_custom.datasets.checks.image_modes import describe_images
from mmseg_custom.datasets.checks.label_survey import describe_labels, refuse_single_class, survey_labels
from mmseg_custom.datasets.class_colours import MetainfoError, classes_of
from mmseg_custom.datasets.class_statistics import counted_before
from mmseg_custom.datasets.folds.kfold_dataset import KFoldDataset
from mmseg_custom.datasets.folds.official_splits import describe_shared, shared_images
from mmseg_custom.datasets.label_reader import LabelReader
from mmseg_custom.io.files import read_json


def find_doubts(settings: Mapping[str, Any], train: KFoldDataset, val: KFoldDataset | None) -> list[str]:
    """What makes one wonder about two splits: images of both, images that are converted, what some labels hold.

    Args:
        settings: Of the data set, whose pipeline reads labels; one that reads them in its own way is not looked at.
        train: What is trained on.
        val: What is validated on, if anything.

    Raises:
        LabelError: If the labels hold one class and 255 alone.
    """
    shared = describe_shared(shared_images(train, val)) if val else []
    images = describe_images(samples_of(train), train.convert_images)
    lines = [*shared, *([images] if images else [])]
    if 'LoadAnnotations' not in [step.get('type') for step in settings['pipeline']]:
        return lines
    reader, classes = LabelReader(settings), classes_of(settings)
    labels = survey_labels(samples_of(train), reader)
    refuse_single_class(labels, classes)
    of_val = survey_labels(samples_of(val), reader) if val else None
    return [*lines, *describe_labels(labels, of_val, classes, counted_before(train, reader, classes))]


def samples_of(dataset: KFoldDataset) -> list[dict]:
    """All samples as the data set lists them."""
    return [dataset.get_data_info(index) for index in range(len(dataset))]


def check_weight_files(cfg: Config) -> None:
    """See that files of class weights in the model of a config are those of its classes, in their order.

    Raises:
        MetainfoError: If one is of other classes.
    """
    classes = list(classes_of(cfg.train_dataloader.dataset))
    for file in _weight_files(cfg.get('model')):
        content = read_json(file) if Path(file).is_file() else {}
        known = content.get('classes') if isinstance(content, dict) else None
        if known and known != classes:
            differing = next((pair for pair in zip(known, classes, strict=False) if pair[0] != pair[1]), None)
            where = '{!r} is {!r} here'.format(*differing) if differing else f'{len(known)} against {len(classes)}'
            raise MetainfoError(
                f'class_weight={file!r} was counted for other classes ({where}): count anew with '
                '`python tools/prepare_data.py CONFIG --class-weights`.'
            )


def _weight_files(settings: Any) -> Iterator[str]:
    if isinstance(settings, Mapping):
        for key, value in settings.items():
            if key == 'class_weight' and isinstance(value, str):
                yield value
            yield from _weight_files(value)
    elif isinstance(settings, list | tuple):
        for value in settings:
            yield from _weight_files(value)
