"""The tables of vehicles; lengths and heights in metres, the rear at 0."""

from street_scenes.labels import Label
from street_scenes.solids import Body, Model, Outline, Rectangle


def _row(
    material: str, start: float, stop: float, count: int, low: float, high: float, gap: float = 0.12
) -> tuple[Rectangle, ...]:
    """A row of equal rectangles along a side."""
    pitch = (stop - start) / count
    lefts = (start + i * pitch + gap / 2 for i in range(count))
    return tuple((material, left, low, left + pitch - gap, high) for left in lefts)


def _pair(material: str, inner: float, low: float, outer: float, high: float) -> tuple[Rectangle, ...]:
    """The same rectangle on the left and on the right of an end."""
    return (material, -outer, low, -inner, high), (material, inner, low, outer, high)


def _box(start: float, stop: float, low: float, high: float, slant: float = 0.0) -> Outline:
    """Side view of a box whose front leans back by ``slant``."""
    corners = (start, low), (start, high), (stop - slant, high), (stop, low)
    return tuple((along, up, 'paint') for along, up in corners)


def _chassis(length: float, width: float) -> Body:
    """The dark parts between and around the wheels."""
    outline = tuple((along, up, 'dark') for along, up, _ in _box(0.15, length - 0.15, 0.12, 0.5))
    tyres, shade = _pair('dark', 0.62, 0.0, 1.0, 0.5), ('dark', 0.15, 0.12, length - 0.15, 0.5)
    return Body(outline, width - 0.1, rear=tyres, front=tyres, side=(shade,))


CAR_REAR = (
    *_pair('tail', 0.62, 0.62, 0.95, 0.82), ('plate', -0.28, 0.5, 0.28, 0.62), ('dark', -0.9, 0.3, 0.9, 0.38),
)  # fmt: skip
CAR_FRONT = (
    *_pair('lamp', 0.55, 0.58, 0.92, 0.74), ('dark', -0.45, 0.46, 0.45, 0.64),
    ('plate', -0.26, 0.36, 0.26, 0.46),
)  # fmt: skip
CAB_FRONT = (
    ('glass', -0.86, 1.7, 0.86, 2.55), *_pair('lamp', 0.6, 0.75, 0.92, 1.0), ('dark', -0.5, 0.75, 0.5, 1.4),
    ('plate', -0.2, 0.55, 0.2, 0.68),
)  # fmt: skip


def _car(length: float, height: float, boot: float, bonnet: float) -> Model:
    """A car whose cabin begins ``boot`` from the rear and ends ``bonnet`` from the front."""
    belt, front, middle = 0.92, length - bonnet, (boot + length - bonnet) / 2 - 0.1
    outline = (
        (0.05, 0.3, 'paint'), (0.0, belt - 0.05, 'paint'), (boot, belt, 'glass'),
        (boot + 0.45, height, 'paint'), (front - 0.85, height, 'glass'), (front, belt + 0.02, 'paint'),
        (length - 0.1, 0.78, 'paint'), (length, 0.3, 'paint'),
    )  # fmt: skip
    side = (
        ('glass', boot + 0.4, belt + 0.04, middle - 0.05, height - 0.1),
        ('glass', middle + 0.05, belt + 0.04, front - 0.7, height - 0.1),
        ('dark', middle - 0.02, 0.4, middle + 0.01, belt),
        ('chrome', 0.1, 0.34, length - 0.1, 0.38),
    )
    body = Body(outline, 1.8, belt=belt, taper=0.22, side=side, rear=CAR_REAR, front=CAR_FRONT)
    return Model(Label.CAR, length, (_chassis(length, 1.8), body), ((0.75, 0.33), (length - 0.85, 0.33)))


def _truck(length: float, low: float, high: float) -> Model:
    """A cab in front of a box, or of a bed where the load is low."""
    cab_start = length - 2.1
    side = _row('chrome', 0.1, cab_start - 0.2, 6, low + 0.1, low + 0.2)
    doors = _pair('chrome', 0.02, low + 0.1, 0.06, high - 0.1) + _pair('tail', 0.72, low - 0.2, 0.95, low)
    load = Body(_box(0, cab_start - 0.15, low, high), 2.45, paint=1, side=side, rear=doors)
    window = ('glass', cab_start + 0.5, 1.75, length - 0.35, 2.5)
    cab = Body(_box(cab_start, length, 0.45, 2.85, 0.25), 2.35, side=(window,), front=CAB_FRONT)
    wheels = (1.0, 0.48), (2.1, 0.48), (length - 1.1, 0.48)
    return Model(Label.TRUCK, length, (_chassis(length, 2.3), load, cab), wheels)


def _bus(length: float, height: float) -> Model:
    """Large windows in one row, doors, a destination display."""
    side = (
        *_row('glass', 0.3, length - 0.2, 7, 1.35, height - 0.55),
        *_row('glass', length - 1.6, length - 0.3, 2, 0.45, 2.4, 0.06),
        ('tail', 0.2, 0.95, length - 1.8, 1.1),
    )
    rear = (
        ('glass', -0.82, 1.5, 0.82, height - 0.6), *_pair('tail', 0.78, 0.8, 0.94, 1.3),
        ('dark', -0.6, 0.55, 0.6, 1.1), ('plate', -0.2, 0.4, 0.2, 0.52),
    )  # fmt: skip
    front = (
        ('glass', -0.92, 1.05, 0.92, height - 0.55), ('dark', -0.7, height - 0.45, 0.7, height - 0.12),
        ('lamp', -0.5, height - 0.38, 0.4, height - 0.2), *_pair('lamp', 0.6, 0.55, 0.9, 0.75),
    )  # fmt: skip
    body = Body(_box(0, length, 0.32, height, 0.12), 2.55, side=side, rear=rear, front=front)
    return Model(Label.BUS, length, (_chassis(length, 2.5), body), ((2.2, 0.5), (length - 2.6, 0.5)))


def _tram(cars: int, length: float, height: float) -> Model:
    """Coupled cars on rails: no wheels in sight, a skirt to the ground, a pantograph."""
    pitch = length / cars
    coupled = (_tram_car(i * pitch + 0.15, (i + 1) * pitch - 0.15, height, i == cars - 1) for i in range(cars))
    roof = Body(_box(pitch * 0.3, pitch * 0.75, height, height + 0.4), 1.4, paint=1)
    arm = Body(_box(pitch * 0.45, pitch * 0.55, height + 0.4, height + 1.3, 0.05), 0.12, paint=1)
    bar = Body(_box(pitch * 0.45, pitch * 0.55, height + 1.3, height + 1.4), 1.6, paint=1)
    skirt = Body(_box(0.3, length - 0.3, 0.05, 0.6), 2.2, paint=1)
    return Model(Label.TRAIN, length, (skirt, *coupled, roof, arm, bar))


def _tram_car(start: float, stop: float, height: float, leading: bool) -> Body:
    doors = (start + stop) / 2
    side = (
        *_row('glass', start + 0.3, stop - 0.3, 4, 1.5, height - 0.9),
        *_row('dark', doors - 0.8, doors + 0.8, 2, 0.35, height - 0.8, 0.06),
        ('chrome', start, height - 0.5, stop, height - 0.3),
    )
    end = (
        ('glass', -0.8, 1.4, 0.8, height - 0.8), ('lamp', -0.14, height - 0.5, 0.14, height - 0.25),
        *_pair('lamp', 0.5, 0.75, 0.75, 0.95), ('chrome', -0.9, 0.2, 0.9, 0.5),
    )  # fmt: skip
    outline = _box(start, stop, 0.12, height, 0.25 * leading)
    return Body(outline, 2.4, belt=1.3, taper=0.05, side=side, rear=end, front=end)


def _trailer(label: int, length: float, height: float, *windows: Rectangle) -> Model:
    body = Body(_box(0, length, 0.5, height, 0.3), 2.2, side=windows, rear=_pair('tail', 0.75, 0.6, 0.92, 0.8))
    return Model(label, length, (_chassis(length, 2.0), body), ((length / 2, 0.33),))


def _crate(label: int, length: float, width: float, low: float, high: float, *side: Rectangle) -> Model:
    return Model(label, length, (Body(_box(0, length, low, high), width, side=side),))


CARS = (
    _car(4.4, 1.45, 0.75, 1.1), _car(4.7, 1.5, 0.08, 1.15), _car(3.6, 1.5, 0.06, 0.75),
    _car(4.6, 1.75, 0.06, 1.0), _car(4.9, 1.42, 0.9, 1.3), _car(5.2, 2.1, 0.05, 0.5),
)  # fmt: skip
TRUCKS = (_truck(7.5, 1.0, 3.4), _truck(9.5, 1.0, 3.8), _truck(6.5, 1.0, 3.1), _truck(7.0, 0.9, 1.9))
BUSES = (_bus(11.5, 3.1), _bus(9.5, 2.95), _bus(12.0, 4.1))
TRAMS = (_tram(3, 24, 3.5), _tram(2, 20, 3.4))
TRAILERS = (
    _trailer(Label.CARAVAN, 4.2, 2.5, ('glass', 1.3, 1.3, 2.9, 1.9)), _trailer(Label.TRAILER, 3.4, 2.0),
)  # fmt: skip
# Bins, boxes, a telephone box, a barrow.
CLUTTER = (
    _crate(Label.STATIC, 0.6, 0.6, 0.0, 1.05),
    _crate(Label.STATIC, 1.3, 0.8, 0.15, 1.3, ('chrome', 0.05, 1.05, 1.25, 1.15)),
    _crate(Label.STATIC, 0.9, 0.9, 0.0, 2.3, ('glass', 0.1, 0.5, 0.8, 2.0)),
    _crate(Label.DYNAMIC, 1.0, 0.5, 0.25, 0.9, ('dark', 0.1, 0.1, 0.3, 0.3)),
)
