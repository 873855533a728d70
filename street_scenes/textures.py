"""Textures of upright surfaces: functions of (along, up, depth), in metres, to colour and opacity."""

from collections.abc import Callable

import numpy as np

from street_scenes.noise import fraction, noise
from street_scenes.palette import CLOTHES, EARTHS, GLASS, GREYS, VIVID, pick

# Colour (h, w, 3) and, for a surface with holes, opacity (h, w) in 0 to 1.
Texture = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray | None]]


def between(value: np.ndarray, low: float, high: float) -> np.ndarray:
    """Where ``low <= value < high``."""
    return (value >= low) & (value < high)


def near(depth: np.ndarray, reach: float) -> np.ndarray:
    """Fades a fine pattern out with the depth: 1 at the camera, 1/2 at ``reach`` metres."""
    return 1 / (1 + (depth / reach) ** 2)


def masonry(rng: np.random.Generator, colour: np.ndarray, bricks: bool) -> Texture:
    """Plaster, concrete or brickwork in one colour, with stains."""
    offset, stain, course = rng.random(), rng.uniform(0.03, 0.1), rng.uniform(0.22, 0.4)

    def texture(s: np.ndarray, t: np.ndarray, depth: np.ndarray) -> tuple[np.ndarray, None]:
        tone = 1 + stain * noise(s, t, 0.25, offset, 1.3)
        if bricks:
            row = t / course
            joint = (fraction(row) < 0.16) | (fraction(s / course / 2.2 + 0.5 * np.floor(row)) < 0.08)
            tone += (0.25 * joint - 0.06) * near(depth, 18)
            tone += 0.08 * noise(s, t, 0.3, offset, 0.3) * near(depth, 25)
        return colour * tone[..., None], None

    return texture


class House:
    """A front with rows of windows, perhaps shops below and a roof above."""

    def __init__(self, rng: np.random.Generator, height: float, colour: np.ndarray) -> None:
        self.wall = masonry(rng, colour, rng.random() < 0.35)
        self.frame = pick(rng, GREYS if rng.random() < 0.7 else EARTHS)
        self.roof = pick(rng, np.concatenate([GREYS[:4], EARTHS]))
        self.awning = pick(rng, CLOTHES) if rng.random() < 0.5 else None
        self.storey, self.pitch = rng.uniform(2.8, 3.6), rng.uniform(1.8, 3.6)
        self.ground, self.eaves = rng.uniform(3, 4.2), height - rng.choice([0.0, 0.0, 2.2])
        self.left, self.sill = rng.uniform(0.15, 0.32), rng.uniform(0.15, 0.35)
        self.tint, self.seed = rng.uniform(0.7, 1.8), rng.uniform(1, 50)

    def __call__(self, s: np.ndarray, t: np.ndarray, depth: np.ndarray) -> tuple[np.ndarray, None]:
        """The texture; see ``Texture``."""
        image, _ = self.wall(s, t, depth)
        self._windows(
            image, s / self.pitch, (t - self.ground) / self.storey, between(t, self.ground, self.eaves - 0.4)
        )
        if self.awning is None:
            image[t < 0.6] *= 0.7
        else:
            self._shop(image, s, t)
        top = t > self.eaves
        image[top] = self.roof * (1 + 0.12 * (fraction(t[top] / 0.35) - 0.5))[:, None]
        image[between(t, self.eaves - 0.25, self.eaves)] *= 1.12
        return image, None

    def _windows(self, image: np.ndarray, column: np.ndarray, level: np.ndarray, band: np.ndarray) -> None:
        across, rise, left, sill = fraction(column), fraction(level), self.left, self.sill
        image[band & (rise < 0.06)] *= 0.86
        image[band & between(across, left - 0.06, 1.06 - left) & between(rise, sill - 0.06, 0.88)] = self.frame
        pane = band & between(across, left, 1 - left) & between(rise, sill, 0.82)
        number = np.floor(column[pane]) * 12.99 + np.floor(level[pane]) * 78.2 + self.seed
        curtain = fraction(np.sin(number) * 43758.5) > 0.75
        image[pane] = GLASS * (self.tint * (0.5 + 0.7 * rise[pane]) + 2.2 * curtain)[:, None]
        image[pane & (np.abs(across - 0.5) < 0.015)] = self.frame

    def _shop(self, image: np.ndarray, s: np.ndarray, t: np.ndarray) -> None:
        pane = between(t, 0.5, self.ground - 0.9) & between(fraction(s / self.pitch / 1.4), 0.06, 0.94)
        goods = noise(s, t, 0.2, self.seed, 1.5)[pane] ** 2
        image[pane] = GLASS * (0.7 + 0.5 * self.tint * goods)[:, None]
        image[between(t, self.ground - 0.8, self.ground - 0.1)] = self.awning


def wall(rng: np.random.Generator, height: float, colour: np.ndarray) -> Texture:
    """A free-standing wall: no openings, a coping, piers, sometimes paint on it."""
    body, coping = masonry(rng, colour, rng.random() < 0.5), pick(rng, GREYS[2:])
    bay, offset, paint = rng.uniform(2.5, 5), rng.random(), pick(rng, VIVID)
    sprayed = rng.random() < 0.35

    def texture(s: np.ndarray, t: np.ndarray, depth: np.ndarray) -> tuple[np.ndarray, None]:
        image, _ = body(s, t, depth)
        if sprayed:
            image[(noise(s, t, 0.06, offset, 1.6) > 1.2) & between(t, 0.4, height - 0.5)] = paint
        image[fraction(s / bay) < 0.12] *= 0.75
        image *= np.clip(0.75 + t / height * 0.5, 0, 1)[..., None]
        image[t > height - 0.25] = coping
        return image, None

    return texture


# name: (lowest and highest gauge in metres, filled share, reach of the pattern in metres)
FENCES = {'bars': (0.14, 0.22, 0.36, 14), 'mesh': (0.16, 0.16, 0.3, 14), 'boards': (0.14, 0.24, 0.85, 22)}


def fence(rng: np.random.Generator, height: float, colour: np.ndarray) -> Texture:
    """Bars, mesh or boards on posts, with what lies behind shining through."""
    kind, post, offset = str(rng.choice(list(FENCES))), rng.uniform(1.8, 3), rng.random()
    thinnest, thickest, filling, reach = FENCES[kind]
    gauge = rng.uniform(thinnest, thickest)

    def texture(s: np.ndarray, t: np.ndarray, depth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if kind == 'mesh':
            pattern = (fraction((s + t) / gauge) < 0.18) | (fraction((s - t) / gauge) < 0.18)
        else:
            pattern = fraction(s / gauge) < filling
        rails = between(t, height - 0.14, height) | between(t, 0.12, 0.26) | (fraction(s / post) < 0.12 / post)
        opacity = np.where(rails, 1, filling + (pattern - filling) * near(depth, reach))
        tone = 1 + 0.08 * noise(s * 6, t, 0.3, offset) - 0.25 * (kind == 'boards') * ~pattern
        return colour * tone[..., None], opacity

    return texture


def foliage(rng: np.random.Generator, height: float, colour: np.ndarray) -> Texture:
    """Leaves: dark gaps, bright tips, a ragged upper edge."""
    offset, ragged = rng.random(), rng.uniform(0.05, 0.2) * height

    def texture(s: np.ndarray, t: np.ndarray, depth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        leaves = noise(s, t, 0.09, offset, 0.6) * near(depth, 30) + 0.7 * noise(s, t, 0.12, offset, 1.4)
        edge = height - ragged * (1.3 + noise(s, 0 * t, 0.12, offset, 1.2))
        image = colour * np.clip(0.85 + 0.28 * leaves + 0.2 * t / height, 0.25, 1.7)[..., None]
        return image, (t < edge).astype(np.float32)

    return texture
