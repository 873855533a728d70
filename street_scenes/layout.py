"""The fixed part of a street: its cross-section and what stands along it."""

from dataclasses import dataclass, field

import numpy as np

from street_scenes.camera import Pose
from street_scenes.city import City
from street_scenes.ground import Ground
from street_scenes.palette import GREYS, pick
from street_scenes.thing import Thing

LANE = 3.4
YARD = 90.0


@dataclass
class Street:
    """A street without traffic.

    Args:
        ground: The ground and its markings.
        pose: Where the camera stands.
        lanes: Lateral middles of the driving lanes, oncoming ones first.
        parking: Lateral middles of the parking lanes by side, None where there is none.
        kerb: Distance of the kerb from the middle by side.
        front: Distance of the frontage from the middle by side.
        things: Everything that stands along the street.
    """

    ground: Ground
    pose: Pose
    lanes: list[float]
    parking: dict[int, float | None]
    kerb: dict[int, float]
    front: dict[int, float]
    things: list[Thing] = field(default_factory=list)

    def x(self, lateral: float, z: float) -> float:
        """World x of a lateral place ``z`` metres ahead."""
        return lateral + float(self.ground.middle(z))


def _side_zones(rng: np.random.Generator, city: City) -> tuple[list[tuple[str, float]], float]:
    """Zones from the outer lane to the frontage as (name, width), and their sum."""
    walk = 'paved' if rng.random() < city.paved else 'walk'
    zones = [('kerb', 0.18)]
    verge = rng.random() < 0.5 * city.greenery
    zones += [('grass', rng.uniform(0.8, 2.2))] * verge
    zones += [(walk, rng.uniform(2.6, 6.5))]
    zones += [('grass', rng.uniform(1.0, 4.0))] * (rng.random() < 0.55 * city.greenery)
    return zones, sum(width for _, width in zones)


def lay_out(rng: np.random.Generator, city: City, tracks: bool) -> Street:
    """Draws cross-section, markings and camera of a street."""
    per_side = 1 + int(rng.random() < 0.25)
    road = 'cobbles' if rng.random() < city.cobbled else 'road'
    half = per_side * LANE + rng.uniform(0, 0.5)
    lanes = [LANE * (i + 0.5) for i in range(-per_side, per_side)]
    parking, kerb, front, sides = {}, {}, {}, {}
    for side in (-1, 1):
        width = rng.uniform(2.1, 2.5) * (rng.random() < 0.5)
        marked = rng.random() < 0.3
        zones, total = _side_zones(rng, city)
        parking[side] = side * (half + width / 2) if width else None
        kerb[side] = half + width
        front[side] = kerb[side] + total
        sides[side] = [('parking' if marked else road, width)] * bool(width) + zones
    ground = _ground(rng, city, road, half, sides, lanes, tracks)
    own = lanes[per_side + int(rng.integers(per_side))]
    pose = Pose(
        focal=rng.uniform(0.82, 1.0),
        horizon=rng.uniform(0.4, 0.47),
        eye=rng.uniform(1.25, 1.75),
        x=own + rng.normal(0, 0.35),
        yaw=rng.normal(0, 0.06),
    )
    return Street(ground, pose, lanes, parking, kerb, front)


def _ground(
    rng: np.random.Generator,
    city: City,
    road: str,
    half: float,
    sides: dict[int, list[tuple[str, float]]],
    lanes: list[float],
    tracks: bool,
) -> Ground:
    palettes = dict.fromkeys(('road', 'cobbles', 'parking'), city.road)
    palettes |= dict.fromkeys(('walk', 'paved', 'plaza'), city.walk)
    palettes |= {'grass': city.soil, 'kerb': GREYS[4:7]}
    colours = {name: pick(rng, palette) for name, palette in palettes.items()}
    yard = str(rng.choice(['grass', 'plaza', 'walk']))
    right, left = sides[1] + [(yard, YARD)], sides[-1] + [(yard, YARD)]
    edges = [half + sum(width for _, width in right[:i]) for i in range(len(right))]
    mirror = [-half - sum(width for _, width in left[:i]) for i in range(len(left))][::-1]
    zones = [name for name, _ in left[::-1]] + [road] + [name for name, _ in right]
    return Ground(
        edges=np.array(mirror + edges),
        zones=zones,
        colours=np.stack([colours[name] for name in zones]),
        bend=rng.normal(0, 0.0016),
        road=(mirror[-1], edges[0]),
        lines=_lines(rng, lanes, half),
        zebras=[rng.uniform(9, 40)] if rng.random() < 0.4 else [],
        side_streets=[],
        tracks=[lanes[len(lanes) // 2 - 1]] if tracks else [],
        marking=city.paint,
        offset=rng.random(),
    )


def _lines(rng: np.random.Generator, lanes: list[float], half: float) -> list[tuple[float, float, float, float]]:
    """Painted lines between the lanes and along the edges, as ``Ground`` takes them."""
    lines = [(place, 0.16, 3.0, 4.5) for place in (np.array(lanes[1:]) + np.array(lanes[:-1])) / 2]
    if len(lanes) == 4 or rng.random() < 0.2:
        lines[len(lines) // 2] = (0.0, 0.16, 0.0, 1.0)
    return lines + [(side * half, 0.14, 0.0, 1.0) for side in (-1, 1)] * (rng.random() < 0.6)
