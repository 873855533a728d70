"""One street scene: composed once, independent of the resolution, then painted from back to front."""

import numpy as np

from street_scenes.camera import Camera
from street_scenes.canvas import Canvas
from street_scenes.city import City, city_rng, make_city
from street_scenes.frontages import build
from street_scenes.ground import cast
from street_scenes.labels import Label
from street_scenes.layout import Street, lay_out
from street_scenes.light import Light, develop, sample_light
from street_scenes.palette import PAINT, pick
from street_scenes.traffic import drive, furnish, park, ride, walk
from street_scenes.uprights import Surface

# What scene after scene is sure to contain, so that rare classes are seen often enough.
FEATURES = ('truck', 'bus', 'train', 'motorcycle', 'bicycle', 'wall', 'fence', 'light')


def render_scene(seed: int, city: str | int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Paints a street scene with its labels.

    Args:
        seed: Number of the scene, 0 or more; neighbours differ in the rare classes they feature.
        city: Name or number of the city whose habits the street follows.
        height: Rows of the picture.
        width: Columns of the picture.

    Returns:
        The picture (height, width, 3), uint8, BGR, and its raw Cityscapes label ids (height, width), uint8.

    Raises:
        ValueError: If the seed is negative or the picture smaller than 16 pixels.
    """
    if seed < 0 or min(height, width) < 16:
        raise ValueError(f'seed {seed}, size {height} x {width}: take a seed from 0 and at least 16 pixels')
    street, light, bonnet = compose(seed, city)
    scale = 2 if width <= 640 else 1
    canvas = Canvas(Camera(street.pose, width * scale, height * scale), light)
    paint(canvas, street)
    _paint_own_car(canvas, bonnet)
    image = develop(canvas.image, light, (height, width), city_rng(city, seed, 1))
    return image, np.ascontiguousarray(canvas.labels[scale - 1 :: scale, scale - 1 :: scale])


def compose(seed: int, city: str | int) -> tuple[Street, Light, np.ndarray]:
    """Draws everything that is random about a scene but the sensor noise."""
    rng, habits = city_rng(city, seed, 0), make_city(city)
    first = seed + seed // len(FEATURES)
    wanted = [FEATURES[(first + step) % len(FEATURES)] for step in (0, 3, 5)]
    light = sample_light(rng)
    street = lay_out(rng, habits, 'train' in wanted or rng.random() < 0.1)
    _populate(rng, street, habits, wanted)
    return street, light, pick(rng, PAINT)


def _populate(rng: np.random.Generator, street: Street, city: City, wanted: list[str]) -> None:
    build(rng, street, city, [kind for kind in wanted if kind in ('wall', 'fence')])
    furnish(rng, street, city, wanted)
    park(rng, street)
    drive(rng, street, wanted)
    walk(rng, street)
    ride(rng, street, wanted)


def paint(canvas: Canvas, street: Street) -> None:
    """Paints sky, ground with shadows, and everything on it from the farthest to the nearest."""
    sky = canvas.light.sky(canvas.camera)
    canvas.image[: len(sky)] = sky
    canvas.labels[:] = Label.SKY
    _paint_ground(canvas, street)
    things = sorted(street.things, key=lambda thing: (not thing.backdrop, -thing.depth))
    surfaces = [thing for thing in things if isinstance(thing, Surface)]
    boxes = canvas.visible([(surface.corners(), surface.opaque) for surface in reversed(surfaces)])
    for thing in things:
        if not isinstance(thing, Surface):
            thing.paint(canvas)
        elif box := boxes.pop():
            thing.paint(canvas, box)


def _paint_ground(canvas: Canvas, street: Street) -> None:
    light = canvas.light
    bodies = [points for thing in street.things for points in thing.shadows()] if light.strength > 0.1 else []
    shadows = [cast(points, light.sun) for points in bodies]
    footprints = [outline for thing in street.things for outline in thing.footprints()]
    street.ground.paint(canvas, shadows, footprints)


def _paint_own_car(canvas: Canvas, paint: np.ndarray) -> None:
    """The bonnet of the own car below, and the dark border that rectification leaves."""
    height, width = canvas.labels.shape
    x = np.linspace(-0.05, 1.05, 40)
    top = 0.925 + 0.05 * np.abs(2 * x - 1) ** 3
    outline = np.column_stack([np.append(x, [1.05, -0.05]) * width, np.append(top, [1.1, 1.1]) * height])
    lit, sky = canvas.light.shade(paint, (0, 0.8, 0.6)), canvas.light.horizon
    canvas.fill([outline], 0.6 * lit + 0.25 * sky, Label.EGO_VEHICLE)
    canvas.fill([outline + (0, 0.035 * height)], 0.45 * lit + 0.05 * sky)
    border = max(1, round(0.008 * width))
    for box in (np.s_[:, :border], np.s_[:, width - border :], np.s_[height - border :, :]):
        canvas.labels[box] = Label.RECTIFICATION_BORDER
        canvas.image[box] *= 0.25
