"""Label files read outside of training, but as training reads them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from mmseg.registry import TRANSFORMS

from mmseg_custom.datasets.class_colours import classes_of
from mmseg_custom.errors import UserError


class LabelError(UserError, ValueError):
    """Labels that cannot be read; the message says which and why."""


class LabelReader:
    """The ``LoadAnnotations`` and the ``MapLabelIds`` of a data set's pipeline, and nothing behind them.

    A pipeline without ``MapLabelIds`` is read as one whose files hold train ids.

    Args:
        dataset: Settings of the data set as in a config, with ``pipeline`` and ``metainfo.classes``.

    Raises:
        LabelError: If the pipeline has no ``LoadAnnotations``.
    """

    def __init__(self, dataset: Mapping[str, Any]) -> None:
        steps = {step['type']: step for step in dataset['pipeline']}
        if 'LoadAnnotations' not in steps:
            raise LabelError(f'The pipeline {list(steps)} of the training data has no LoadAnnotations.')
        train_ids = dict(type='MapLabelIds', table={}, num_classes=len(classes_of(dataset)), ids='train')
        self.loader = TRANSFORMS.build(steps['LoadAnnotations'])
        self.mapper = TRANSFORMS.build(steps.get('MapLabelIds', train_ids))

    def load(self, sample: dict) -> dict:
        """Decode the label file of a sample; the result carries it as ``gt_seg_map`` (H, W), uint8."""
        return self.loader({**sample, 'seg_fields': []})

    def map_ids(self, loaded: dict) -> np.ndarray:
        """Map a loaded label to train ids (H, W), uint8.

        Raises:
            ValueError: If it holds ids that are unknown, naming them.
        """
        return self.mapper(loaded)['gt_seg_map']

    def __call__(self, sample: dict) -> np.ndarray:
        """The train ids (H, W), uint8, of a sample's label file at its own size.

        Raises:
            LabelError: If the file cannot be decoded or holds unknown ids, naming it.
        """
        try:
            return self.map_ids(self.load(sample))
        except (OSError, SyntaxError, ValueError) as error:
            raise LabelError(
                f'{sample["seg_map_path"]} cannot be read ({error}): find all such files with '
                '`python tools/prepare_data.py CONFIG --verify`.'
            ) from error

    def __repr__(self) -> str:
        return f'{self.loader!r} {self.mapper!r}'
