"""Writing predictions: overlays, colour maps, label ids and raw scores."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmseg_custom.errors import UserError
from mmseg_custom.inference.labels import Labels
from mmseg_custom.inference.painting import (
    draw_legend,
    enlarge_small,
    overlay_classes,
    paint_classes,
    present_classes,
)
from mmseg_custom.inference.predictor import Prediction
from mmseg_custom.inference.readers import Frame
from mmseg_custom.inference.video_file import VideoFile
from mmseg_custom.io.files import PathLike

KINDS = ('overlay', 'color', 'ids', 'raw', 'uncertainty')
VIDEOS = ('overlay', 'color')

Render = Callable[[Frame, Prediction], np.ndarray]


class PredictionWriter:
    """Writes predictions into a folder for each kind of result.

    An image gives ``<kind>/<name>.<suffix>``, a video ``<kind>/<name>.mp4`` for ``overlay`` and ``color``, and a file
    a frame in a folder of its name, ``<kind>/<name>.avi/<number>.<suffix>``, for all others. A context
    manager: videos are complete when it ends, and gone when it ends by an error.

    Args:
        folder: Where the results go.
        labels: Names, palette and ids of the classes.
        kinds: Of :data:`KINDS`.
        opacity: Of the colours in overlays, 0 to 1.
        ids: ``'train'`` ids, or those of the data set's ``'label'`` files, as servers want them.

    Raises:
        UserError: If the label ids are wanted and not known.
    """

    def __init__(
        self,
        folder: PathLike,
        labels: Labels,
        kinds: Sequence[str] = ('overlay',),
        opacity: float = 0.5,
        ids: str = 'train',
    ) -> None:
        if 'ids' in kinds and ids == 'label' and labels.file_ids is None:
            raise UserError(
                'The ids of the label files are not known: no MapLabelIds table gives one for each class.'
            )
        self.folder, self.labels, self.kinds = Path(folder), labels, tuple(kinds)
        self.opacity, self.ids = opacity, ids
        self._renders: dict[str, Render] = {
            'overlay': self._overlay,
            'color': self._color,
            'ids': self._ids,
            'uncertainty': _uncertainty,
        }
        self._videos: dict[str, VideoFile] = {}
        self._video_name: str | None = None
        self._video_legend: np.ndarray | None = None

    def __enter__(self) -> 'PredictionWriter':
        return self

    def __exit__(self, kind: type | None, *exception: Any) -> None:
        self._finish_videos(complete=kind is None)

    def write(self, frame: Frame, prediction: Prediction) -> None:
        """Write all kinds of results of a frame."""
        if frame.source.name != self._video_name:
            self._finish_videos()
            self._video_name = frame.source.name if frame.index is not None else None
        for kind in self.kinds:
            if kind == 'raw':
                _save_scores(self._path(kind, frame, '.npz'), prediction)
            elif kind in VIDEOS and frame.index is not None:
                self._append(kind, frame, self._renders[kind](frame, prediction))
            else:
                suffix = '.jpg' if kind == 'overlay' else '.png'
                _save_image(self._path(kind, frame, suffix), self._renders[kind](frame, prediction))

    def _path(self, kind: str, frame: Frame, suffix: str) -> Path:
        source = frame.source
        name = source.name if frame.index is None else f'{source.name}{source.path.suffix}/{frame.index:06d}'
        path = self.folder / kind / (name + suffix)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _append(self, kind: str, frame: Frame, picture: np.ndarray) -> None:
        if kind not in self._videos:
            path = self.folder / kind / f'{frame.source.name}.mp4'
            self._videos[kind] = VideoFile(path, frame.fps, picture.shape[:2])
        self._videos[kind].write(picture)

    def _finish_videos(self, complete: bool = True) -> None:
        videos, self._videos, self._video_legend = self._videos, {}, None
        for video in videos.values():
            video.close() if complete else video.discard()

    def _overlay(self, frame: Frame, prediction: Prediction) -> np.ndarray:
        image, classes = enlarge_small(frame.image, prediction.classes)
        picture = overlay_classes(image, classes, self.labels, self.opacity)
        return np.vstack([picture, self._legend(image.shape[1], frame, prediction)])

    def _legend(self, width: int, frame: Frame, prediction: Prediction) -> np.ndarray:
        """The classes of an image; in a video all classes, since its frames have one size."""
        if frame.index is None:
            return draw_legend(width, self.labels, present_classes(prediction.classes, self.labels))
        if self._video_legend is None:
            self._video_legend = draw_legend(width, self.labels, tuple(range(len(self.labels.classes))))
        return self._video_legend

    def _color(self, frame: Frame, prediction: Prediction) -> np.ndarray:
        return paint_classes(prediction.classes, self.labels)

    def _ids(self, frame: Frame, prediction: Prediction) -> np.ndarray:
        return prediction.classes if self.ids == 'train' else np.uint8(self.labels.file_ids)[prediction.classes]


def _uncertainty(frame: Frame, prediction: Prediction) -> np.ndarray:
    """Grey, 255 where each fold is sure of another class."""
    return np.rint(255 * prediction.uncertainty).astype(np.uint8)


def _save_image(path: Path, picture: np.ndarray) -> None:
    path.write_bytes(cv2.imencode(path.suffix, picture)[1].tobytes())


def _save_scores(path: Path, prediction: Prediction) -> None:
    np.savez(path, scores=prediction.scores)
