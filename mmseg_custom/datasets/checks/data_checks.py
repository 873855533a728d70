"""What can be known of a data set before anything is trained on it."""

from collections.abc import Mapping
from typing import Any

from mmseg_custom.datasets.checks.image_modes import describe_images
from mmseg_custom.datasets.checks.label_survey import describe_labels, refuse_single_class, survey_labels
from mmseg_custom.datasets.class_colours import classes_of
from mmseg_custom.datasets.class_statistics import counted_before
from mmseg_custom.datasets.folds.kfold_dataset import KFoldDataset
from mmseg_custom.datasets.folds.official_splits import describe_shared, shared_images
from mmseg_custom.datasets.label_reader import LabelReader


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
