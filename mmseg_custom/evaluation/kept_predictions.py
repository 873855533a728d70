"""Predictions that are kept: maps of each image as PNG files, and a record of what they were made of."""

import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmseg_custom.errors import UserError
from mmseg_custom.evaluation.calibration import CalibrationCounts
from mmseg_custom.evaluation.submission_writer import encode_png
from mmseg_custom.io.files import PathLike, read_json, write_bytes, write_json

LABEL, CLASSES, GIVEN, BEST = 'label', 'classes', 'given', 'best'
MAPS = (LABEL, CLASSES, GIVEN, BEST)
ALL, CALIBRATION = 'probabilities', 'calibration'
RECORDS = 'records'
INDEX_FILE = 'index.json'
VERSION = 2
VOID = 255


class PredictionError(UserError, ValueError):
    """A kept prediction that is missing or damaged; the message names the file."""


@dataclass(frozen=True)
class Maps:
    """What is kept of each pixel of an image, uint8 (H, W) each.

    Attributes:
        label: The class given by the label, as the network was compared with it; 255 is void.
        classes: The class predicted.
        given: The probability of the given class in levels of 0 to 255; 0 in void.
        best: The probability of the predicted class, as ``given``.
    """

    label: np.ndarray
    classes: np.ndarray
    given: np.ndarray
    best: np.ndarray


@dataclass(frozen=True)
class PredictionRecord:
    """What a prediction was made of, and what was counted at full precision.

    Attributes:
        name: Of the image, unique; its files are called so.
        image: The image file.
        label: The label file, empty if its data set names none.
        made_of: Checksums of weights, image, label and settings: a prediction is made anew where one has changed.
        predicted_by: The run whose weights it is of.
        seen: Whether they may have been trained on the image.
        counts: ``[given class, predicted class, pixels]`` of each pair that occurs.
        probability_sums: The sum of the probability of the given class over the pixels of each class, C numbers.
        quality: The quality of the label, 0 to 1; ``None`` where all is void.
        files: The checksum of each file by its kind.
        version: Of the form of this record.
    """

    name: str
    image: str
    label: str
    made_of: dict[str, str]
    predicted_by: str
    seen: bool
    counts: list[list[int]]
    probability_sums: list[float]
    quality: float | None
    files: dict[str, str]
    version: int = VERSION

    def matrix(self) -> np.ndarray:
        """The confusion matrix, int64 (C, C), row = given class."""
        classes = len(self.probability_sums)
        matrix = np.zeros((classes, classes), np.int64)
        for given, predicted, pixels in self.counts:
            matrix[given, predicted] = pixels
        return matrix

    def without_counts(self) -> 'PredictionRecord':
        """What of it may be in memory for every image: all but what the prediction is made of and was counted."""
        return replace(self, made_of={}, counts=[], probability_sums=[])


@dataclass(frozen=True)
class Index:
    """What a folder of predictions is about.

    Attributes:
        classes: Names of the C classes.
        palette: Their colours, RGB.
        names: Of all images, in the order of the folds.
        groups: The group of each image by its name; empty where the folds are not made of groups.
    """

    classes: list[str]
    palette: list[list[int]]
    names: list[str]
    groups: dict[str, str] = field(default_factory=dict)


class KeptPredictions:
    """A folder of predictions.

    ``<kind>/<name>.png`` (``.npz`` for the probabilities of all classes and for their calibration),
    ``records/<name>.json``, ``index.json``.

    Args:
        folder: Where they are, or will be.
    """

    def __init__(self, folder: PathLike) -> None:
        self.folder = Path(folder)

    def path(self, kind: str, name: str) -> Path:
        """Where the file of a kind of an image is."""
        return (
            self.folder
            / kind
            / f'{name}.{"npz" if kind in (ALL, CALIBRATION) else "json" if kind == RECORDS else "png"}'
        )

    def write(
        self,
        maps: Maps,
        probabilities: np.ndarray | None = None,
        calibration: CalibrationCounts | None = None,
        **fields: Any,
    ) -> None:
        """Keep a prediction, the record last: a prediction without one is made anew.

        Args:
            maps: Of the image.
            probabilities: Of all classes, uint8 (C, h, w). Defaults to ``None``: they are not kept.
            calibration: The counts of its probabilities. Defaults to ``None``: they are not kept.
            **fields: Of the :class:`PredictionRecord`, without ``files``.
        """
        name = fields['name']
        self.path(RECORDS, name).unlink(missing_ok=True)
        contents = {kind: encode_png(getattr(maps, kind)) for kind in MAPS}
        if calibration is not None:
            contents[CALIBRATION] = calibration.to_bytes()
        if probabilities is not None:
            buffer = io.BytesIO()
            np.savez_compressed(buffer, probabilities=probabilities)
            contents[ALL] = buffer.getvalue()
        for kind, content in contents.items():
            write_bytes(content, self.path(kind, name), synced=False)  # The record has its checksum.
        record = PredictionRecord(files={kind: _checksum(content) for kind, content in contents.items()}, **fields)
        write_json(asdict(record), self.path(RECORDS, name), synced=False)  # Half of one is made anew.

    def write_index(self, index: Index) -> None:
        """Write what the folder is about."""
        write_json(asdict(index), self.folder / INDEX_FILE)

    def index(self) -> Index:
        """What the folder is about.

        Raises:
            PredictionError: If there are no predictions.
        """
        path = self.folder / INDEX_FILE
        if not path.is_file():
            raise PredictionError(f'{self.folder} holds no predictions: make them by `mmseg-kfold out-of-fold`.')
        return Index(**read_json(path))

    def holds(self, name: str, made_of: Mapping[str, str]) -> bool:
        """Whether a prediction made of these is there, with all of its files as they were written."""
        try:
            record = self.record(name)
            return record.made_of == made_of and all(self._content(kind, record) for kind in record.files)
        except UserError:
            return False

    def record(self, name: str) -> PredictionRecord:
        """The record of an image.

        Raises:
            PredictionError: If it is missing or of another form.
            JsonError: If it is damaged.
        """
        path = self.path(RECORDS, name)
        if not path.is_file():
            raise PredictionError(f'{path} is missing: `mmseg-kfold out-of-fold` predicts the image.')
        try:
            record = PredictionRecord(**read_json(path))
        except TypeError as error:
            raise PredictionError(f'{path} is no record ({error}): delete it, and predict anew.') from error
        if record.version != VERSION:
            raise PredictionError(f'{path} was written by another version: delete it, and predict anew.')
        return record

    def maps(self, record: PredictionRecord) -> Maps:
        """The maps of an image.

        Raises:
            PredictionError: If a file is missing or has changed since it was written.
        """
        return Maps(*(self._map(kind, record) for kind in MAPS))

    def calibration(self, record: PredictionRecord) -> CalibrationCounts:
        """The counts of an image's probabilities.

        Raises:
            PredictionError: If the file is missing or has changed since it was written.
        """
        return CalibrationCounts.from_bytes(self._content(CALIBRATION, record))

    def _map(self, kind: str, record: PredictionRecord) -> np.ndarray:
        return cv2.imdecode(np.frombuffer(self._content(kind, record), np.uint8), cv2.IMREAD_UNCHANGED)

    def _content(self, kind: str, record: PredictionRecord) -> bytes:
        path = self.path(kind, record.name)
        content = path.read_bytes() if path.is_file() else b''
        if _checksum(content) != record.files.get(kind):
            raise PredictionError(
                f'{path} is missing or has changed since it was written: '
                '`mmseg-kfold out-of-fold` predicts the image anew.'
            )
        return content


def _checksum(content: bytes) -> str:
    return blake2b(content, digest_size=16).hexdigest()
