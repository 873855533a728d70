"""Upright surfaces along the street: houses, walls, fences, hedges, bridges."""

from dataclasses import dataclass

import numpy as np

from street_scenes.camera import Camera
from street_scenes.canvas import Box, Canvas
from street_scenes.labels import Label
from street_scenes.palette import CLOTHES, GREYS, LEAVES, MASONRY, pick
from street_scenes.textures import House, Texture, fence, foliage, wall
from street_scenes.thing import Thing

UP = np.array([0.0, 1.0, 0.0])


@dataclass
class Surface(Thing):
    """An upright textured rectangle.

    Args:
        start: Ground point (x, z) of one end in metres.
        end: Ground point of the other end.
        height: Height in metres.
        texture: What it looks like in even light.
        label: Label id.
        base: Height of its lower edge over the ground in metres.
        backdrop: Whether all other things stand before it.
    """

    start: tuple[float, float]
    end: tuple[float, float]
    height: float
    texture: Texture
    label: int
    base: float = 0.0
    backdrop: bool = False

    @property
    def depth(self) -> float:
        """Everything nearer than this is painted later."""
        return max(self.start[1], self.end[1])

    @property
    def opaque(self) -> bool:
        """Whether nothing shines through."""
        return self.label not in (Label.FENCE, Label.VEGETATION)

    def corners(self) -> np.ndarray:
        """Corner points (4, 3) in order."""
        (x0, z0), (x1, z1), top = self.start, self.end, self.base + self.height
        return np.array([(x0, self.base, z0), (x1, self.base, z1), (x1, top, z1), (x0, top, z0)])

    def shadows(self) -> list[np.ndarray]:
        """The corner points that throw the shadow."""
        return [self.corners()]

    def paint(self, canvas: Canvas, box: Box | None = None) -> None:
        """Paints the rectangle, or what of it lies in the box, in the light that falls on its side."""
        corner, end = self.corners()[:2]
        length = float(np.linalg.norm(end - corner))
        along = (end - corner) / length
        gain = canvas.light.shade(np.ones(3), _normal(canvas.camera, corner, along)).astype(np.float32)

        def shader(s: np.ndarray, t: np.ndarray, depth: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
            colour, opacity = self.texture(s, t, depth)
            return colour * gain, opacity

        canvas.surface(corner, along, UP, (length, self.height), shader, self.label, box)


def _normal(camera: Camera, corner: np.ndarray, along: np.ndarray) -> np.ndarray:
    """Normal of an upright surface on the side of the camera."""
    normal = np.array([along[2], 0.0, -along[0]])
    return normal if normal @ (camera.eye - corner) > 0 else -normal


# name: (texture, label, palette, lowest, highest), heights in metres
UPRIGHTS = {
    'building': (House, Label.BUILDING, MASONRY, 7.5, 22.0),
    'wall': (wall, Label.WALL, MASONRY, 2.0, 4.2),
    'fence': (fence, Label.FENCE, CLOTHES, 1.1, 2.4),
    'hedge': (foliage, Label.VEGETATION, LEAVES, 1.2, 3.2),
    'trees': (foliage, Label.VEGETATION, LEAVES, 6.0, 12.0),
    'bridge': (wall, Label.BRIDGE, MASONRY, 1.8, 2.6),
    'guard rail': (wall, Label.GUARD_RAIL, GREYS, 0.7, 0.8),
}


def upright(
    rng: np.random.Generator,
    kind: str,
    start: tuple[float, float],
    end: tuple[float, float],
    palette: np.ndarray | None = None,
    lift: float = 1.0,
    **options: float | bool,
) -> Surface:
    """Draws a surface of ``UPRIGHTS`` over a ground line; ``lift`` scales its height."""
    maker, label, colours, lowest, highest = UPRIGHTS[kind]
    height = rng.uniform(lowest, highest) * lift
    texture = maker(rng, height, pick(rng, colours if palette is None else palette))
    return Surface(start, end, height, texture, label, **options)
