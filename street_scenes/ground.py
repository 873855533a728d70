"""The ground plane: road with its markings, pavements, grass, rails, and the shadows on it."""

from dataclasses import dataclass

import cv2
import numpy as np

from street_scenes.canvas import Canvas
from street_scenes.labels import Label
from street_scenes.noise import fraction, noise
from street_scenes.textures import between, near

FAR = 260.0
# label, contrast of the grain, size of the slabs in metres (0: none)
ZONES = {
    'road': (Label.ROAD, 0.05, 0.0),
    'cobbles': (Label.ROAD, 0.07, 0.28),
    'parking': (Label.PARKING, 0.06, 0.3),
    'kerb': (Label.SIDEWALK, 0.03, 0.0),
    'walk': (Label.SIDEWALK, 0.05, 0.9),
    'paved': (Label.SIDEWALK, 0.07, 0.4),
    'grass': (Label.TERRAIN, 0.2, 0.0),
    'plaza': (Label.GROUND, 0.06, 1.4),
}


@dataclass
class Ground:
    """The cross-section of a street and what is painted on its road.

    Args:
        edges: Rising lateral borders between the zones in metres from the middle of the street.
        zones: Names from ``ZONES``, one more than edges.
        colours: BGR colour of each zone.
        bend: Curvature of the street in 1 / metre.
        road: Lateral borders of the carriageway.
        lines: Painted lines as (lateral place, width, dash length, gap), dash 0 for a continuous one.
        zebras: Starts of zebra crossings along the street, 3 metres long.
        side_streets: (side, start, end) of the streets that join.
        tracks: Lateral middles of embedded rails.
        marking: BGR colour of the markings.
        offset: Shifts the grain.
    """

    edges: np.ndarray
    zones: list[str]
    colours: np.ndarray
    bend: float
    road: tuple[float, float]
    lines: list[tuple[float, float, float, float]]
    zebras: list[float]
    side_streets: list[tuple[int, float, float]]
    tracks: list[float]
    marking: np.ndarray
    offset: float = 0.0

    def middle(self, z: float | np.ndarray) -> float | np.ndarray:
        """Lateral place of the middle of the street ``z`` metres ahead."""
        return self.bend * z**2 / 2

    def paint(self, canvas: Canvas, shadows: list[np.ndarray], footprints: list[np.ndarray]) -> None:
        """Paints everything below the horizon.

        Args:
            canvas: What to paint on.
            shadows: World outlines (N, 3) of the cast shadows.
            footprints: World outlines (N, 3) of what stands so low that no light comes under it.
        """
        camera = canvas.camera
        top = min(camera.height - 1, int(camera.pose.horizon * camera.height) + 1)
        origin, right, ahead = np.zeros(3), np.array([1.0, 0, 0]), np.array([0, 0, 1.0])
        x, z, depth = camera.plane(origin, right, ahead, (0, top, camera.width, camera.height))
        z = np.clip(z, -5, FAR)
        lateral = x - self.middle(z)
        zone = self._zones(lateral, z)
        names = [ZONES[name] for name in self.zones]
        canvas.labels[top:] = np.array([label for label, _, _ in names], np.uint8)[zone]
        image = self.colours[zone] * self._grain(lateral, z, depth, zone)[..., None]
        self._mark(image, lateral, z, canvas.labels[top:] == Label.ROAD)
        shade = canvas.light.shade(np.ones(3), np.array([0, 1.0, 0])).astype(np.float32)
        ambient = canvas.light.shade(np.ones(3), np.array([0, -1.0, 0])).astype(np.float32) * 1.2
        dark = np.stack([_cover(canvas, outlines)[top:] for outlines in (shadows, footprints)], axis=-1)
        image *= shade + (np.minimum(ambient, shade) - shade) * dark[..., :1]
        canvas.image[top:] = canvas.light.haze(image * (1 - 0.6 * dark[..., 1:]), depth)

    def _zones(self, lateral: np.ndarray, z: np.ndarray) -> np.ndarray:
        zone = np.searchsorted(self.edges, lateral.ravel()).reshape(lateral.shape)
        road = int(np.searchsorted(self.edges, sum(self.road) / 2))
        for side, start, end in self.side_streets:
            zone[between(z, start, end) & (lateral * side > self.road[side > 0] * side)] = road
        return zone

    def _grain(self, x: np.ndarray, z: np.ndarray, depth: np.ndarray, zone: np.ndarray) -> np.ndarray:
        contrast, slab = (np.array([ZONES[name][i] for name in self.zones], np.float32)[zone] for i in (1, 2))
        grain = noise(x, z, 0.05, self.offset, 0.5) * near(depth, 12)
        grain += noise(x, z * 0.3, 0.25, self.offset, 1.4)
        slab_x, slab_z = (fraction(np.where(slab > 0, axis / np.maximum(slab, 0.1), 0.5)) for axis in (x, z))
        joints = ((slab_x < 0.1) | (slab_z < 0.1)) * near(depth, 9)
        return 1 + contrast * grain - 0.22 * joints

    def _mark(self, image: np.ndarray, lateral: np.ndarray, z: np.ndarray, road: np.ndarray) -> None:
        worn = noise(lateral, z, 0.1, self.offset, 1.0)
        crossing = np.zeros_like(road)
        for _, start, end in self.side_streets:
            crossing |= between(z, start, end)
        for place, width, dash, gap in self.lines:
            stroke = (np.abs(lateral - place) < width / 2) & ~crossing
            if dash:
                stroke &= fraction(z / (dash + gap)) < dash / (dash + gap)
            image[stroke & road & (worn < 1.4)] = self.marking
        for start in self.zebras:
            stripe = between(z, start, start + 3) & (fraction(lateral / 1.1) < 0.5) & (worn < 1.4)
            image[stripe & road] = self.marking
        for middle in self.tracks:
            rail = np.abs(np.abs(lateral - middle) - 0.72)
            image[rail < 0.14] *= 0.7
            image[rail < 0.07] = self.marking * 0.55


def _cover(canvas: Canvas, outlines: list[np.ndarray]) -> np.ndarray:
    """How much of each pixel world outlines cover (height, width), with soft edges."""
    mask = np.zeros_like(canvas.labels)
    for outline in outlines:
        canvas.stencil(mask, outline)
    return cv2.blur(mask.astype(np.float32), (max(1, canvas.camera.width // 100),) * 2)


def cast(points: np.ndarray, sun: tuple[float, float, float]) -> np.ndarray:
    """Outline (N, 3) on the ground of the shadow of a convex body with these corners."""
    fallen = points - points[:, 1:2] / max(sun[1], 0.2) * np.array(sun)
    hull = cv2.convexHull(fallen[:, [0, 2]].astype(np.float32))[:, 0]
    return np.stack([hull[:, 0], 0 * hull[:, 0], hull[:, 1]], axis=1)
