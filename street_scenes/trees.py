"""Trees."""

from dataclasses import dataclass

import numpy as np

from street_scenes.canvas import Canvas
from street_scenes.labels import Label
from street_scenes.noise import noise
from street_scenes.palette import EARTHS, pick
from street_scenes.textures import near
from street_scenes.thing import Thing

UP, RIGHT = np.array([0.0, 1.0, 0.0]), np.array([1.0, 0.0, 0.0])


@dataclass
class Tree(Thing):
    """A trunk at (x, z) under a ragged crown.

    Args:
        x: Lateral place in metres.
        z: Distance in metres.
        trunk: Height where the crown begins, in metres.
        crown: Width of the crown in metres.
        slender: Height of the crown over its width.
        colour: BGR colour of the leaves.
        bark: BGR colour of the trunk.
        lumps: Places and radii (N, 3) of the parts of the crown, in crown widths and heights, 0 to 1.
        offset: Shifts the noise of the leaves.
    """

    x: float
    z: float
    trunk: float
    crown: float
    slender: float
    colour: np.ndarray
    bark: np.ndarray
    lumps: np.ndarray
    offset: float

    @property
    def depth(self) -> float:
        """Distance of the trunk."""
        return self.z

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the crown in metres."""
        return self.crown, self.crown * self.slender

    def shadows(self) -> list[np.ndarray]:
        """The corner points that throw the shadows of crown and trunk."""
        width, height = self.size
        angle = np.linspace(0, 2 * np.pi, 10, endpoint=False)
        ring = np.column_stack([np.cos(angle), 0 * angle, np.sin(angle)]) * width * 0.42
        middle = np.array([self.x, self.trunk + height / 2, self.z])
        top, bottom = ring * 0.5 + UP * height / 2, ring * 0.6 - UP * height / 2
        stem = [(self.x + side * 0.15, up, self.z) for side in (-1, 1) for up in (0, self.trunk)]
        return [middle + np.concatenate([ring, top, bottom]), np.array(stem)]

    def paint(self, canvas: Canvas) -> None:
        """Paints the trunk, then the crown as a ragged, shaded picture that faces the camera."""
        width, height = self.size
        fork = np.array([self.x, self.trunk + 0.3 * height, self.z])
        bark = canvas.light.shade(self.bark, (0, 0.2, -0.98))
        canvas.stick((self.x, 0, self.z), fork, 0.03 * self.crown + 0.05, bark, Label.VEGETATION)
        above = (0.3 if canvas.light.sun[0] > 0 else -0.3, 0.8, -0.5)
        bright = 1.15 * canvas.light.shade(self.colour, above)
        dark = 0.75 * canvas.light.shade(self.colour, (0, -1, 0))

        def shader(s: np.ndarray, t: np.ndarray, depth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            tone, opacity = self._leaves(s, t, depth)
            return dark + (bright - dark) * tone[..., None], opacity

        corner = np.array([self.x - width / 2, self.trunk, self.z])
        canvas.surface(corner, RIGHT, UP, (width, height), shader, Label.VEGETATION)

    def _leaves(self, s: np.ndarray, t: np.ndarray, depth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Brightness and opacity of the crown."""
        width, height = self.size
        clump = noise(s, t, 0.045, self.offset, 1.4)
        leaf = noise(s, t, 0.03, self.offset, 0.4) * near(depth, 25)
        inside, rise = self._shape(s / width, t / height)
        tone = np.clip(0.42 + 0.5 * rise + 0.2 * clump + 0.16 * leaf, 0, 1.3)
        return tone, (inside + 0.09 * clump + 0.03 * leaf > 0).astype(np.float32)

    def _shape(self, s: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How far inside the crown a point is, and how high on its lump, -1 to 1."""
        inside, rise = np.full(s.shape, -1.0, np.float32), np.zeros(s.shape, np.float32)
        for x, y, radius in self.lumps:
            depth = 1 - ((s - x) ** 2 + (t - y) ** 2) / radius**2
            np.copyto(rise, (t - y) * (0.7 / radius) + 0.3 * (y - 0.5), where=depth > inside)
            np.maximum(inside, depth, out=inside)
        return inside * 0.5, rise


def tree(rng: np.random.Generator, x: float, z: float, leaves: np.ndarray) -> Tree:
    """Grows a tree whose leaves have a colour of the palette."""
    angle, away, radius = rng.uniform(0, 2 * np.pi, 9), rng.uniform(0.1, 0.26, 9), rng.uniform(0.11, 0.19, 9)
    lumps = np.column_stack([0.5 + away * np.cos(angle), 0.5 + away * np.sin(angle), radius])
    return Tree(
        x,
        z,
        trunk=rng.uniform(1.7, 2.8),
        crown=rng.uniform(3.2, 6.5),
        slender=rng.uniform(0.8, 1.4),
        colour=pick(rng, leaves),
        bark=pick(rng, EARTHS[[0, 5, 6]]),
        lumps=np.concatenate([[(0.5, 0.5, 0.3)], lumps]),
        offset=rng.random(),
    )
