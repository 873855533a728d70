"""What the streets of one city have in common."""

import zlib
from dataclasses import dataclass

import numpy as np

from street_scenes.palette import GREYS, LEAVES, MASONRY, PAVING, SOIL, TARMAC, TINTS, pick

FRONTAGES = ('building', 'wall', 'fence', 'hedge', 'street', 'park')


@dataclass(frozen=True)
class City:
    """Habits of a city: colours, heights, and how often each kind of frontage occurs."""

    masonry: np.ndarray
    leaves: np.ndarray
    road: np.ndarray
    walk: np.ndarray
    soil: np.ndarray
    paint: np.ndarray
    cobbled: float
    paved: float
    height: float
    greenery: float
    frontages: np.ndarray


def city_rng(city: str | int, *numbers: int) -> np.random.Generator:
    """A generator that depends on the city's name and further numbers only."""
    return np.random.default_rng([zlib.crc32(str(city).encode()), *numbers])


def make_city(name: str | int) -> City:
    """Draws the habits of a city from its name."""
    rng = city_rng(name)
    weights = np.array([0.38, 0.24, 0.15, 0.07, 0.06, 0.1]) * np.exp(rng.normal(0, 0.35, len(FRONTAGES)))
    return City(
        masonry=MASONRY[rng.permutation(len(MASONRY))[:9]],
        leaves=LEAVES[rng.permutation(len(LEAVES))[:4]],
        road=np.concatenate([GREYS[1:6], TARMAC]),
        walk=np.concatenate([PAVING, GREYS[2:6]]),
        soil=SOIL[rng.permutation(len(SOIL))[:5]],
        paint=pick(rng, np.concatenate([GREYS[6:], TINTS[[0, 3]]])),
        cobbled=rng.uniform(0, 0.4),
        paved=rng.uniform(0.1, 0.9),
        height=rng.uniform(0.75, 1.25),
        greenery=rng.uniform(0.3, 1.0),
        frontages=weights / weights.sum(),
    )
