"""What an annotator looks at: connected components of pixels whose label is contradicted."""

from array import array
from collections.abc import Sequence
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
        polygons: Its outlines, ``[x1, y1, x2, y2, ...]`` each; as arrays, as all components are in memory together.
    """

    image: str
    given: int
    suggested: int
    pixels: int
    box: tuple[int, int, int, int]
    score: float
    polygons: list[array]

    @property
    def suspicion(self) -> float:
        """What components are ranked by: the logarithm of the score times that of the size.

        By the score alone the small ones come first, by their product the large regions that a network does not know.
        """
        return float(np.log(self.score) * np.log(self.pixels))

    @property
    def key(self) -> str:
        """What names it as long as the predictions are the same."""
        return f'{self.image}:{self.given}>{self.suggested}:{",".join(map(str, self.box))}'

    def mask(self, size: tuple[int, int]) -> np.ndarray:
        """Its pixels and the holes in it, bool (H, W) of this size."""
        mask = np.zeros(size, np.uint8)
        for outline in self.polygons:
            cv2.fillPoly(mask, [np.array(outline, np.int32).reshape(-1, 2)], 1)
        return mask > 0

    def pixels_among(self, suggested: np.ndarray) -> np.ndarray:
        """Its pixels alone, bool (H, W), without what lies in its holes.

        Args:
            suggested: The pixels for which its class is suggested, bool (H, W).
        """
        within = self.mask((suggested.shape[0], suggested.shape[1])) & suggested
        _, numbers = cv2.connectedComponents(within.astype(np.uint8))
        columns, rows = np.concatenate(self.polygons).reshape(-1, 2).T
        return np.isin(numbers, np.unique(numbers[rows, columns])) & within


def away_from_boundaries(label: np.ndarray, width: int) -> np.ndarray:
    """The pixels that have no pixel of another label within ``width`` rows and columns, bool (H, W)."""
    kernel = np.ones((2 * width + 1, 2 * width + 1), np.uint8)
    return cv2.dilate(label, kernel) == cv2.erode(label, kernel)


def evidence(best: np.ndarray, given: np.ndarray) -> np.ndarray:
    """The logarithm of how many times as probable as the class given the class predicted is, in nats.

    Args:
        best: The probabilities of the classes predicted, in levels of 0 to 255; one level is added to all.
        given: Those of the classes given, of the same shape.
    """
    return np.log((best + np.float32(1)) / (given + np.float32(1)))


def find_components(image: str, maps: Maps, errors: np.ndarray, boundary: int, least: int) -> list[Component]:
    """The components of an image.

    Args:
        image: Its name.
        maps: Its maps.
        errors: The pixels whose label is contradicted, bool (H, W).
        boundary: Pixels along the boundaries of the labels that make no component; the components that are found
            without them grow into them by as many pixels.
        least: The size from which on a component counts, in pixels, before it grows.
    """
    found = []
    inner = errors & away_from_boundaries(maps.label, boundary)
    frequent = np.bincount(maps.classes[inner], minlength=1) >= max(least, 1)  # Fewer make no component.
    for suggested in np.flatnonzero(frequent).tolist():
        of_class = errors & (maps.classes == suggested)
        where = _around(cv2.boundingRect((inner & of_class).astype(np.uint8)), boundary)
        of_class = of_class[where]
        count, numbers, stats, _ = cv2.connectedComponentsWithStats((inner[where] & of_class).astype(np.uint8))
        for number in range(1, count):
            *box, pixels = stats[number].tolist()
            if pixels >= least:
                window = _around(box, boundary)
                grown = _grown(numbers[window] == number, boundary) & of_class[window]
                left, top = where[1].start + window[1].start, where[0].start + window[0].start
                whole = slice(top, top + grown.shape[0]), slice(left, left + grown.shape[1])
                found.append(_component(image, maps, suggested, grown, whole))
    return found


def _around(box: Sequence[int], width: int) -> tuple[slice, slice]:
    """Rows and columns of a box ``(left, top, width, height)`` and so many pixels around it."""
    left, top, columns, rows = box
    return slice(max(top - width, 0), top + rows + width), slice(max(left - width, 0), left + columns + width)


def _component(image: str, maps: Maps, suggested: int, inside: np.ndarray, window: tuple[slice, slice]) -> Component:
    """A component by its pixels, bool, in a window of the image."""
    # Planted errors of CamVid rank better by the ratio of the two probabilities than by their difference.
    log_ratio = evidence(maps.best[window][inside], maps.given[window][inside])
    left, top, width, height = cv2.boundingRect(inside.astype(np.uint8))
    down, right = window[0].start, window[1].start
    return Component(
        image,
        int(np.bincount(maps.label[window][inside]).argmax()),
        suggested,
        int(np.count_nonzero(inside)),
        (left + right, top + down, width, height),
        float(np.exp(log_ratio.mean(dtype=np.float64))),
        _outlines(inside, right, down),
    )


def _grown(mask: np.ndarray, pixels: int) -> np.ndarray:
    return cv2.dilate(mask.astype(np.uint8), np.ones((2 * pixels + 1, 2 * pixels + 1), np.uint8)) > 0


def _outlines(inside: np.ndarray, left: int, top: int) -> list[array]:
    contours, _ = cv2.findContours(
        inside.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE, offset=(left, top)
    )
    return [array('i', contour.ravel().tolist()) for contour in contours]
