"""Colours (BGR, 0 to 1). The palettes overlap on purpose: a colour alone must not give its class away."""

import numpy as np


def bgr(code: str) -> np.ndarray:
    """Turns ``'rrggbb'`` into a float32 BGR colour."""
    return np.array([int(code[i : i + 2], 16) / 255 for i in (4, 2, 0)], np.float32)


def _palette(codes: str) -> np.ndarray:
    return np.stack([bgr(code) for code in codes.split()])


GREYS = _palette('2b2d30 45474a 5c5e60 74767a 8c8e90 a6a7a8 c2c3c4 dcdcda')
EARTHS = _palette('6b4a3a 8a5a44 9c7355 b59a78 c9b48f 7a6a55 5a4a3c a8522f')
TINTS = _palette('e8ddc4 d9c9a3 c98f6b d8b25a 8fa3a8 9db08a b7a0a0 e6e2da')
VIVID = _palette('a3202a c23b22 1f4e8c 2d6ca2 2f6b45 d0a020 6a2f5c e07b20')
LEAVES = _palette('3f5a2a 4f6b30 5f7434 36502f 6f7a3a 7d7434 8a6a30 56633f')

MASONRY = np.concatenate([GREYS[2:], EARTHS, TINTS, VIVID[[0, 3, 4, 5]]])
PAINT = np.concatenate([GREYS, GREYS[[0, 6, 7]], EARTHS[[1, 4]], TINTS[[0, 4, 7]], VIVID])
CLOTHES = np.concatenate([GREYS, EARTHS, TINTS, VIVID, LEAVES[[0, 3]]])
SKIN = _palette('e0b090 c99070 a87050 7a5038 f0c8a8')
PAVING = np.concatenate([GREYS[2:6], EARTHS[[2, 3, 5]], TINTS[[4, 6]]])
SOIL = np.concatenate([LEAVES[[1, 2, 4, 5, 7]], EARTHS[[2, 3, 5]]])

TARMAC = _palette('6e6862 7d746a 5f6468')

GLASS, TYRE, CHROME = bgr('2a323a'), bgr('18181a'), bgr('a8acb0')
LAMP, TAIL_LAMP, PLATE = bgr('f4f0dc'), bgr('b01818'), bgr('e4e4d8')


def pick(rng: np.random.Generator, palette: np.ndarray, spread: float = 0.06) -> np.ndarray:
    """Draws a colour of a palette and varies its brightness and its tint a little."""
    colour = palette[rng.integers(len(palette))]
    return np.clip(colour * rng.uniform(0.8, 1.2) + rng.normal(0, spread / 2, 3), 0.03, 0.97).astype(np.float32)
