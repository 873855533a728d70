"""Writing a video, frame by frame."""

from pathlib import Path

import cv2
import numpy as np

from mmseg_custom.inference.errors import InputError

CODEC = 'mp4v'


class VideoFile:
    """An MP4 file that takes its name when it is complete.

    Args:
        path: Where it goes, ending in ``.mp4``.
        fps: Frames a second.
        size: Height and width of the frames; odd ones are padded by a pixel, which the codec needs.

    Raises:
        InputError: If OpenCV cannot write it.
    """

    def __init__(self, path: Path, fps: float, size: tuple[int, int]) -> None:
        self.path, self.size = path, size
        self._part = path.with_name(f'.{path.stem}.part{path.suffix}')
        path.parent.mkdir(parents=True, exist_ok=True)
        self._padding = (size[0] % 2, size[1] % 2)
        height, width = np.add(size, self._padding).tolist()
        self._writer = cv2.VideoWriter(str(self._part), cv2.VideoWriter_fourcc(*CODEC), fps, (width, height))
        if not self._writer.isOpened():
            raise InputError(f'{path}: OpenCV cannot write a {CODEC} video of {width} x {height} here.')

    def write(self, frame: np.ndarray) -> None:
        """Append a frame, uint8, H x W x 3, BGR."""
        below, right = self._padding
        self._writer.write(cv2.copyMakeBorder(frame, 0, below, 0, right, cv2.BORDER_REPLICATE))

    def close(self) -> None:
        """Complete the file."""
        self._writer.release()
        self._part.replace(self.path)

    def discard(self) -> None:
        """Leave nothing behind."""
        self._writer.release()
        self._part.unlink(missing_ok=True)
