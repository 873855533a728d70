"""Street furniture: lamps, traffic lights, signs and masts, as they stand along a kerb."""

import numpy as np

from street_scenes.labels import Label
from street_scenes.palette import EARTHS, GREYS, pick
from street_scenes.posts import HOUSING, PLATES, Post


def lamp_post(rng: np.random.Generator, x: float, z: float, side: int) -> Post:
    """A street lamp that leans over the road."""
    height, arm = rng.uniform(6, 9), -side * rng.uniform(0.8, 2.2)
    return Post(x, z, height, 0.11, pick(rng, GREYS[:6]), arm=arm, lantern=True)


def traffic_light(rng: np.random.Generator, x: float, z: float, side: int) -> Post:
    """A signal on a pole, often with a second one over the road."""
    height, reach = rng.uniform(3.2, 3.8), -side * rng.uniform(2.2, 4.0)
    high = rng.random() < 0.55
    post = Post(x, z, 5.8 if high else height, 0.1, pick(rng, GREYS), arm=reach if high else 0.0)
    post.signals = [(-side * 0.34, height - 0.8)] + [(reach, 5.5)] * high
    post.glow = str(rng.choice(['red', 'red', 'green', 'green', 'amber', '']))
    post.housing = pick(rng, HOUSING, 0.02)
    return post


def sign_post(rng: np.random.Generator, x: float, z: float, side: int) -> Post:
    """One or two plates on a pole."""
    names = list(PLATES)
    first, second = (str(name) for name in rng.choice(names, 2))
    wide = 'board' in first
    height = rng.uniform(3.0, 3.8) if wide else rng.uniform(2.5, 3.1)
    post = Post(x, z, height + 0.3, 0.07, pick(rng, GREYS[2:]))
    scale = rng.uniform(0.9, 1.2)
    post.plates = [(first, side * 0.3 * wide, height, scale)]
    if rng.random() < 0.4 and not wide and 'board' not in second:
        post.plates.append((second, 0.0, height - 0.95 * scale, scale))
    return post


def bare_pole(rng: np.random.Generator, x: float, z: float, side: int) -> Post:
    """A mast of a line, or a group of poles that counts as ignored."""
    group = rng.random() < 0.15
    radius, label = (0.22, Label.POLE_GROUP) if group else (rng.uniform(0.09, 0.15), Label.POLE)
    return Post(x, z, rng.uniform(5, 9), radius, pick(rng, np.concatenate([GREYS, EARTHS])), label)


POSTS = {'lamp': lamp_post, 'light': traffic_light, 'sign': sign_post, 'pole': bare_pole}
