"""The moving part of a street, and the small things on its pavements."""

from collections.abc import Iterator

import numpy as np

from street_scenes.city import City
from street_scenes.figures import figure
from street_scenes.furniture import POSTS
from street_scenes.layout import Street
from street_scenes.palette import PAINT, pick
from street_scenes.solids import Model, Vehicle
from street_scenes.trees import tree
from street_scenes.uprights import upright
from street_scenes.vehicles import BUSES, CARS, CLUTTER, TRAILERS, TRAMS, TRUCKS

LARGE = {'truck': TRUCKS, 'bus': BUSES, 'train': TRAMS}
TRAFFIC = {'car': 0.4, 'gap': 0.42, 'motorcycle': 0.04, 'bicycle': 0.05, 'truck': 0.05, 'bus': 0.04}


def _vehicle(
    rng: np.random.Generator, street: Street, models: tuple[Model, ...], lateral: float, z: float, ahead: bool
) -> Vehicle:
    model = models[int(rng.integers(len(models)))]
    middle = z + model.length / 2
    heading = street.ground.bend * middle + (0 if ahead else np.pi)
    paints = pick(rng, PAINT), pick(rng, PAINT)
    return Vehicle(model, street.x(lateral, middle), middle, heading, paints)


def drive(rng: np.random.Generator, street: Street, wanted: list[str]) -> None:
    """Fills the driving lanes; the wanted large vehicles come first."""
    large = [kind for kind in wanted if kind in LARGE]
    oncoming = len(street.lanes) // 2
    for lane in rng.permutation(len(street.lanes)):
        lateral, ahead = street.lanes[lane], lane >= oncoming
        own = abs(lateral - street.pose.x) < 1.7
        z = rng.uniform(9, 20) if own else rng.uniform(6, 14)
        while z < 75:
            kind = _next_kind(rng, large, lane == oncoming - 1)
            z += rng.uniform(4, 9) if kind in LARGE and z < 16 else 0
            if kind in ('motorcycle', 'bicycle'):
                x, heading = (
                    street.x(lateral + rng.uniform(-0.8, 0.8), z),
                    rng.normal(0 if ahead else np.pi, 0.15),
                )
                street.things.append(figure(rng, x, z, heading, kind, ridden=True))
            elif kind != 'gap':
                models, sway = LARGE.get(kind, CARS), rng.normal(0, 0.15)
                street.things.append(_vehicle(rng, street, models, lateral + sway, z, ahead))
            z += rng.uniform(3, 16) + (13 if kind in LARGE else 4)


def _next_kind(rng: np.random.Generator, large: list[str], on_tracks: bool) -> str:
    """Takes the first large vehicle that may use the lane, else draws from the traffic."""
    fitting = [kind for kind in large if on_tracks or kind != 'train']
    if fitting:
        large.remove(fitting[0])
        return fitting[0]
    return str(rng.choice(list(TRAFFIC), p=list(TRAFFIC.values())))


def park(rng: np.random.Generator, street: Street) -> None:
    """Fills the parking lanes."""
    for side, lateral in street.parking.items():
        if lateral is None:
            continue
        z, full = rng.uniform(4, 12), rng.uniform(0.15, 0.75)
        while z < 60:
            odd = rng.random()
            models = TRAILERS if odd < 0.03 else TRUCKS[2:] if odd < 0.06 else CARS
            vehicle = _vehicle(rng, street, models, lateral, z, side > 0 or rng.random() < 0.2)
            if rng.random() < full:
                street.things.append(vehicle)
            z += vehicle.model.length + rng.uniform(0.7, 2.0)


def furnish(rng: np.random.Generator, street: Street, city: City, wanted: list[str]) -> None:
    """Sets trees, posts, clutter and railings along the kerbs."""
    for side in (-1, 1):
        if rng.random() < 0.75 * city.greenery:
            for z in _places(rng, (5, 12), (8, 16), 70):
                x = street.x(side * (street.kerb[side] + 0.9), z)
                street.things.append(tree(rng, x, z, city.leaves))
        kinds = ['light', 'light', 'sign'] if 'light' in wanted else []
        for z in _places(rng, (8, 13), (4, 11), 60):
            kind = kinds.pop() if kinds else str(rng.choice(list(POSTS), p=[0.28, 0.14, 0.34, 0.24]))
            street.things.append(POSTS[kind](rng, street.x(side * (street.kerb[side] + 0.45), z), z, side))
        for z in rng.uniform(6, 40, int(rng.integers(0, 4))):
            model, heading = CLUTTER[int(rng.integers(len(CLUTTER)))], float(rng.choice([0, np.pi / 2]))
            x = street.x(side * rng.uniform(street.kerb[side] + 0.6, street.front[side] - 0.5), z)
            street.things.append(Vehicle(model, x, z, heading, (pick(rng, PAINT), pick(rng, PAINT))))
        _railing(rng, street, side, 'fence' in wanted)


def _places(
    rng: np.random.Generator, first: tuple[float, float], step: tuple[float, float], end: float
) -> Iterator[float]:
    """Distances from somewhere in ``first`` to ``end``, somewhere in ``step`` apart."""
    z = rng.uniform(*first)
    while z < end:
        yield z
        z += rng.uniform(*step)


def _railing(rng: np.random.Generator, street: Street, side: int, wanted: bool) -> None:
    if rng.random() > (0.6 if wanted else 0.1):
        return
    start = rng.uniform(4, 25)
    kind = 'guard rail' if rng.random() < 0.25 else 'fence'
    for z in np.arange(start, start + rng.uniform(8, 25), 4.0):
        lateral = side * (street.kerb[side] + 0.25)
        ends = (street.x(lateral, z), z), (street.x(lateral, z + 4), z + 4)
        street.things.append(upright(rng, kind, *ends, lift=0.7))


def walk(rng: np.random.Generator, street: Street) -> None:
    """Sends people along the pavements and over the zebra crossings."""
    for side in (-1, 1):
        low, high = street.kerb[side] + 0.7, street.front[side] - 0.4
        for _ in range(int(rng.poisson(4.5))):
            z = rng.uniform(5, 14) if rng.random() < 0.5 else rng.uniform(6, 40)
            heading = rng.choice([0, np.pi, np.pi / 2, -np.pi / 2], p=[0.38, 0.38, 0.12, 0.12])
            x = street.x(side * rng.uniform(low, high), z)
            street.things.append(figure(rng, x, z, heading + rng.normal(0, 0.3)))
    for zebra in street.ground.zebras:
        for lateral in rng.uniform(-5, 5, int(rng.poisson(1.2))):
            z, heading = zebra + rng.uniform(0.4, 2.6), rng.choice([-1, 1]) * np.pi / 2
            street.things.append(figure(rng, street.x(lateral, z), z, heading))


def ride(rng: np.random.Generator, street: Street, wanted: list[str]) -> None:
    """Leans bicycles and motorcycles at the kerbs and sends the wanted ones along the edge of the road."""
    for side in (-1, 1):
        for machine in ('bicycle', 'motorcycle'):
            z = rng.uniform(6, 16)
            for _ in range(int(rng.poisson(0.7)) + 2 * (machine in wanted)):
                heading = rng.choice([0.3, np.pi / 2, np.pi / 2 + 0.4]) + rng.normal(0, 0.15)
                x = street.x(side * (street.kerb[side] + 0.9), z)
                street.things.append(figure(rng, x, z, heading, machine))
                z += rng.uniform(0.9, 3.5)
    for machine in [kind for kind in wanted if kind in ('bicycle', 'motorcycle')]:
        for z in rng.uniform(6, 16, 2):
            lateral = street.ground.road[int(rng.integers(2))] * rng.uniform(0.78, 0.93)
            heading = rng.choice([0, np.pi, np.pi / 2]) + rng.normal(0, 0.2)
            street.things.append(figure(rng, street.x(lateral, z), z, heading, machine, ridden=True))
