"""What stands along a street: houses, walls, fences, hedges, parks, and what closes the view."""

import numpy as np

from street_scenes.city import FRONTAGES, City
from street_scenes.layout import Street
from street_scenes.trees import tree
from street_scenes.uprights import Surface, upright

GABLE = 11.0


def build(rng: np.random.Generator, street: Street, city: City, wanted: list[str]) -> None:
    """Builds up both sides of the street and its end; the wanted kinds of frontage come first."""
    end = rng.uniform(70, 130)
    for side in (-1, 1):
        queue = [kind for kind in wanted if rng.random() < 0.6 or side == 1]
        z = rng.uniform(-12, -4)
        while z < end:
            kind = queue.pop() if queue and z > 3 else str(rng.choice(FRONTAGES, p=city.frontages))
            length = rng.uniform(9, 20) if kind == 'building' else rng.uniform(7, 15)
            _frontage(rng, street, city, kind, side, z, z + length)
            z += length
        _second_row(rng, street, city, side, end)
    _close(rng, street, city, end)
    if rng.random() < 0.12:
        z, reach = rng.uniform(45, end), 40
        street.things.append(upright(rng, 'bridge', (street.x(-reach, z), z), (street.x(reach, z), z), base=5.5))


def _frontage(
    rng: np.random.Generator, street: Street, city: City, kind: str, side: int, z0: float, z1: float
) -> None:
    front = side * street.front[side]
    if kind == 'street':
        street.ground.side_streets.append((side, z0 + 1.2, z1 - 1.2))
    elif kind == 'park':
        _plant(rng, street, city, (z0, z1), (front + side, front + 9 * side), int(rng.integers(1, 4)))
    else:
        palette = {'building': city.masonry, 'hedge': city.leaves}.get(kind)
        lift = city.height if kind == 'building' else 1.0
        ends = (street.x(front, z0), z0), (street.x(front, z1), z1)
        street.things.append(upright(rng, kind, *ends, palette, lift))
    if kind == 'building':
        _gable(street, side, street.things[-1])
    elif kind in ('wall', 'fence') and rng.random() < 0.6:
        _plant(rng, street, city, (z1, z1 + 1), (front + 2 * side, front + 6 * side), 1)


def _plant(
    rng: np.random.Generator,
    street: Street,
    city: City,
    along: tuple[float, float],
    across: tuple[float, float],
    count: int,
) -> None:
    """Plants trees somewhere in a patch of ground."""
    for _ in range(count):
        z = rng.uniform(max(along[0], 5), max(along[1], 6))
        x = street.x(across[0] + (across[1] - across[0]) * rng.random(), z)
        street.things.append(tree(rng, x, z, city.leaves))


def _gable(street: Street, side: int, house: Surface) -> None:
    """The wall of a house that looks at the camera."""
    x, z = house.start
    street.things.append(Surface((x, z), (x + side * GABLE, z), house.height, house.texture, house.label))


def _backdrop(
    rng: np.random.Generator, city: City, start: tuple[float, float], end: tuple[float, float], trees: float
) -> Surface:
    kind, palette = ('trees', city.leaves) if rng.random() < trees else ('building', city.masonry)
    return upright(rng, kind, start, end, palette, backdrop=True)


def _second_row(rng: np.random.Generator, street: Street, city: City, side: int, end: float) -> None:
    """Houses and trees seen through the gaps of the first row."""
    z = -5.0
    while z < end:
        length, away = rng.uniform(14, 26), side * (street.front[side] + rng.uniform(13, 24))
        ends = (street.x(away, z), z), (street.x(away, z + length), z + length)
        street.things.append(_backdrop(rng, city, *ends, 0.25 + 0.35 * city.greenery))
        z += length


def _close(rng: np.random.Generator, street: Street, city: City, end: float) -> None:
    """Houses and trees across the end of the street."""
    x, last = street.x(0, end) - 90, street.x(0, end) + 90
    while x < last:
        length = rng.uniform(12, 25)
        street.things.append(_backdrop(rng, city, (x, end), (x + length, end), 0.4))
        x += length
