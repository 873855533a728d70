"""The picture and its labels, painted together from back to front."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from street_scenes.camera import Camera, clip_near
from street_scenes.labels import Label
from street_scenes.light import Light

_SHIFT = 4
Box = tuple[int, int, int, int]
Shader = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray | None]]


class Canvas:
    """An image (float32, BGR) and a label map (uint8) seen by one camera in one light."""

    def __init__(self, camera: Camera, light: Light) -> None:
        self.camera, self.light = camera, light
        self.image = np.zeros((camera.height, camera.width, 3), np.float32)
        self.labels = np.zeros((camera.height, camera.width), np.uint8)

    def project(self, points: np.ndarray) -> tuple[np.ndarray, float]:
        """World polygon (N, 3) clipped and in pixels (M, 2), with its mean depth."""
        view = clip_near(self.camera.view(points))
        return (
            (self.camera.pixels(view), float(view[:, 2].sum() / len(view)))
            if len(view) > 2
            else (np.empty((0, 2)), 1.0)
        )

    def polygon(self, points: np.ndarray, colour: np.ndarray, label: int | None = None) -> None:
        """Fills a world polygon (N, 3); without a label only the image changes."""
        outline, depth = self.project(points)
        if len(outline):
            self.fill([outline], self.light.haze(colour, depth), label)

    def ring(self, outer: np.ndarray, inner: np.ndarray, colour: np.ndarray, label: int) -> None:
        """Paints the ring between two world polygons; the label fills the whole outer one."""
        outlines = [self.project(outer), self.project(inner)]
        if all(len(outline) for outline, _ in outlines):
            self.fill([outline for outline, _ in outlines], self.light.haze(colour, outlines[0][1]))
            cv2.fillPoly(self.labels, [_fixed(outlines[0][0])], int(label), shift=_SHIFT)

    def sticks(self, ends: np.ndarray, radii: np.ndarray, colours: np.ndarray, label: int | None = None) -> None:
        """Paints round bars one after the other.

        Args:
            ends: World points (N, 2, 3), start and end of each bar.
            radii: Half thickness (N,) in metres.
            colours: Lit colours (N, 3).
            label: Label of all bars, None to leave the labels alone.
        """
        view = self.camera.view(np.asarray(ends, np.float64).reshape(-1, 3))
        if view[:, 2].min() < 1:
            return
        pixels, depth = self.camera.pixels(view).reshape(-1, 2, 2), view[:, 2].reshape(-1, 2, 1)
        widths = np.asarray(radii)[:, None, None] * self.camera.focal / depth
        along = pixels[:, 1] - pixels[:, 0]
        across = along[:, ::-1] * (-1, 1) / np.maximum(np.hypot(*along.T), 1e-3)[:, None]
        offset = across[:, None] * widths
        quads = np.concatenate([pixels - offset, (pixels + offset)[:, ::-1]], axis=1)
        colours = self.light.haze(np.asarray(colours), depth[:, 0, 0])
        for quad, pixel, width, colour in zip(quads, pixels[:, 1], widths[:, 1, 0].tolist(), colours, strict=True):
            self.fill([quad], colour, label)
            if width > 1.5:
                self.disc(pixel, width, colour, label)

    def stick(
        self, start: np.ndarray, end: np.ndarray, radius: float, colour: np.ndarray, label: int | None = None
    ) -> None:
        """Paints a round bar between two world points."""
        self.sticks(np.array([[start, end]]), np.array([radius]), colour[None], label)

    def blob(self, centre: np.ndarray, radius: float, colour: np.ndarray, label: int | None = None) -> None:
        """Paints a ball around a world point."""
        view = self.camera.view(np.asarray(centre, np.float64)[None])
        if view[0, 2] > 1:
            pixel = self.camera.pixels(view)[0]
            depth = float(view[0, 2])
            self.disc(pixel, radius * self.camera.focal / depth, self.light.haze(colour, depth), label)

    def disc(self, pixel: np.ndarray, radius: float, colour: np.ndarray, label: int | None = None) -> None:
        """Fills a circle given in pixels."""
        if np.abs(pixel).max() + radius > 8 * self.camera.width:
            return
        centre, size = tuple(_fixed(pixel[None])[0].tolist()), max(1, round(radius * 2**_SHIFT))
        cv2.circle(self.image, centre, size, colour.tolist(), -1, shift=_SHIFT)
        if label is not None:
            cv2.circle(self.labels, centre, size, int(label), -1, shift=_SHIFT)

    def fill(self, outlines: Sequence[np.ndarray], colour: np.ndarray, label: int | None = None) -> None:
        """Fills polygons given in pixels; where two overlap there is a hole."""
        fixed = [_fixed(outline) for outline in outlines]
        cv2.fillPoly(self.image, fixed, colour.tolist(), shift=_SHIFT)
        if label is not None:
            cv2.fillPoly(self.labels, fixed, int(label), shift=_SHIFT)

    def surface(
        self,
        corner: np.ndarray,
        along: np.ndarray,
        up: np.ndarray,
        size: tuple[float, float],
        shader: Shader,
        label: int,
        box: Box | None = None,
    ) -> None:
        """Paints a textured rectangle.

        Args:
            corner: World point (3,) where both surface coordinates are 0.
            along: Unit vector (3,) of the first coordinate.
            up: Unit vector (3,) of the second coordinate.
            size: Extent along both axes in metres.
            shader: Maps the coordinates and the depth, all (h, w), to the lit colour (h, w, 3) and, where the
                surface has holes, to its opacity (h, w) in 0 to 1, else None.
            label: Label of what is opaque; of the holes too if it is a fence, as in Cityscapes.
            box: Paint inside these pixels only.
        """
        side, top = along * size[0], up * size[1]
        outline, _ = self.project(np.stack([corner, corner + side, corner + side + top, corner + top]))
        box = box or self._box(outline)
        if box is None or not len(outline):
            return
        s, t, depth = self.camera.plane(corner, along, up, box)
        colour, opacity = shader(s, t, depth)
        mask = cv2.fillPoly(np.zeros(depth.shape, np.uint8), [_fixed(outline - box[:2])], 1, shift=_SHIFT)
        self._lay(box, mask, self.light.haze(colour, depth).astype(np.float32), opacity, label)

    def _lay(self, box: Box, mask: np.ndarray, colour: np.ndarray, opacity: np.ndarray | None, label: int) -> None:
        """Lays a picture over the pixels of a box where the mask is set."""
        left, top, right, bottom = box
        image, labels = self.image[top:bottom, left:right], self.labels[top:bottom, left:right]
        labelled = mask > 0
        if opacity is not None:
            colour = image + (colour - image) * opacity[..., None].astype(np.float32)
            labelled &= (opacity > 0.5) | (label == Label.FENCE)
        cv2.copyTo(colour, mask, image)
        labels[labelled] = label

    def stencil(self, mask: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Sets a world polygon (N, 3) to 1 in a uint8 mask (height, width) and returns the mask."""
        outline, _ = self.project(points)
        return cv2.fillPoly(mask, [_fixed(outline)], 1, shift=_SHIFT) if len(outline) else mask

    def visible(self, rectangles: Sequence[tuple[np.ndarray, bool]]) -> list[Box | None]:
        """What remains to be seen of world polygons behind each other.

        Args:
            rectangles: Corners (N, 3) and whether nothing shines through, the nearest first.

        Returns:
            For each polygon the pixels (left, top, right, bottom) that nearer ones leave, None if nothing.
        """
        free, boxes = np.ones_like(self.labels), []
        for corners, opaque in rectangles:
            mask = self.stencil(np.zeros_like(free), corners)
            left, top, width, height = cv2.boundingRect(mask & free)
            boxes.append((left, top, left + width, top + height) if width else None)
            free -= (mask & free) * np.uint8(opaque)
        return boxes

    def _box(self, outline: np.ndarray) -> Box | None:
        if not len(outline):
            return None
        low, high = np.floor(outline.min(0)), np.ceil(outline.max(0)) + 1
        left, top = (int(max(0, value)) for value in low)
        right, bottom = int(min(high[0], self.camera.width)), int(min(high[1], self.camera.height))
        return (left, top, right, bottom) if left < right and top < bottom else None


def _fixed(pixels: np.ndarray) -> np.ndarray:
    return np.rint(pixels * 2**_SHIFT).astype(np.int32)
