"""What an annotator looks at: connected components of pixels whose label is contradicted."""

from dataclasses import dataclass

import cv2
import numpy as np

from mmseg_custom.evaluation.kept_predictions import Maps


@dataclass(frozen=True)
class Component:
    """A connected region for which one other class is suggested.

    Attributes:
        image: Name of the image.
        given: The class that most of its pixels have.
        suggested: The class predicted.
        pixels: Its size.
        box: Left, top, width and height in pixels.
        score: How many times as probable as the given class the suggested one is: the geometric mean over its pixels,
            at most 256, as probabilities are kept in levels.
        polygons: Its outlines, ``[x1, y1, x2, y2, ...]`` each.
    """

    image: str
    given: int
    suggested: int
    pixels: int
    box: tuple[int, int, int, int]
    score: float
    polygons: list[list[int]]

    @property
    def key(self) -> str:
        """What names it as long as the predictions are the same."""
        return f'{self.image}:{self.given}>{self.suggested}:{",".join(map(str, self.box))}'


def away_from_boundaries(label: np.ndarray, width: int) -> np.ndarray:
    """The pixels that have no pixel of another label within ``width`` rows and columns, bool (H, W)."""
    kernel = np.ones((2 * width + 1, 2 * width + 1), np.uint8)
    return cv2.dilate(label, kernel) == cv2.erode(label, kernel)


def find_components(image: str, maps: Maps, errors: np.ndarray, least: int) -> list[Component]:
    """The components of an image.

    Args:
        image: Its name.
        maps: Its maps.
        errors: The pixels whose label is contradicted, bool (H, W).
        least: The size from which on a component counts, in pixels.
    """
    found = []
    # Planted errors of CamVid rank better by the ratio of the two probabilities than by their difference.
    log_ratio = np.log((maps.best + 1.0) / (maps.given + 1.0))
    for suggested in np.unique(maps.classes[errors]).tolist():
        mask = (errors & (maps.classes == suggested)).astype(np.uint8)
        count, numbers, stats, _ = cv2.connectedComponentsWithStats(mask)
        for number in range(1, count):
            left, top, width, height, pixels = stats[number].tolist()
            if pixels < least:
                continue
            window = (slice(top, top + height), slice(left, left + width))
            inside = numbers[window] == number
            found.append(
                Component(
                    image,
                    int(np.bincount(maps.label[window][inside]).argmax()),
                    suggested,
                    pixels,
                    (left, top, width, height),
                    float(np.exp(log_ratio[window][inside].mean())),
                    _outlines(inside, left, top),
                )
            )
    return found


def _outlines(inside: np.ndarray, left: int, top: int) -> list[list[int]]:
    contours, _ = cv2.findContours(
        inside.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE, offset=(left, top)
    )
    return [[int(value) for value in contour.ravel()] for contour in contours]
