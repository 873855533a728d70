"""Poles and what hangs on them: arms, lamps, signal heads, plates."""

from dataclasses import dataclass, field

import numpy as np

from street_scenes.canvas import Canvas
from street_scenes.labels import Label
from street_scenes.palette import GREYS, LAMP, TINTS, VIVID, bgr
from street_scenes.thing import Thing

HOUSING = np.concatenate([GREYS[:2], VIVID[[4, 5]]])
SIGNALS = {'red': bgr('ff3a28'), 'amber': bgr('ffb020'), 'green': bgr('30e890')}
FACING, SQUARE = (0.0, 0.3, -0.95), np.pi / 4
WHITE, RED, BLUE, YELLOW = bgr('ececec'), bgr('b8202a'), bgr('1f55a0'), bgr('e0b020')
# name: (corners, direction of the first one in radians, width, height, rim, face, mark), in metres
PLATES = {
    'ban': (32, 0.0, 0.8, 0.8, RED, WHITE, GREYS[0]),
    'order': (32, 0.0, 0.8, 0.8, WHITE, BLUE, WHITE),
    'warning': (3, np.pi / 2, 1.0, 1.0, RED, WHITE, GREYS[0]),
    'stop': (8, np.pi / 8, 0.85, 0.85, WHITE, RED, WHITE),
    'priority': (4, np.pi / 2, 0.9, 0.9, WHITE, YELLOW, YELLOW),
    'square': (4, SQUARE, 1.0, 1.0, WHITE, BLUE, WHITE),
    'board': (4, SQUARE, 1.9, 1.2, GREYS[3], TINTS[0], GREYS[0]),
    'blue board': (4, SQUARE, 2.2, 1.3, WHITE, BLUE, WHITE),
    'back': (32, 0.0, 0.8, 0.8, GREYS[4], GREYS[5], GREYS[5]),
}


@dataclass
class Post(Thing):
    """A pole at (x, z) with what hangs on it: arms, signal heads and plates.

    Args:
        x: Lateral place in metres.
        z: Distance in metres.
        height: Length of the pole in metres.
        radius: Half thickness in metres.
        colour: BGR colour.
        label: Label of the pole itself.
        arm: Reach of an arm at the top, signed, in metres.
        lantern: Whether a lamp hangs at the end of the arm; needs one.
        signals: Signal heads as (lateral offset, height of the middle).
        glow: Name of the lit signal, '' for heads seen from the side or from behind.
        plates: Plates as (name, lateral offset, height of the middle, scale).
        housing: BGR colour of the signal heads.
    """

    x: float
    z: float
    height: float
    radius: float
    colour: np.ndarray
    label: int = Label.POLE
    arm: float = 0.0
    lantern: bool = False
    signals: list[tuple[float, float]] = field(default_factory=list)
    glow: str = 'red'
    plates: list[tuple[str, float, float, float]] = field(default_factory=list)
    housing: np.ndarray = field(default_factory=lambda: HOUSING[0])

    @property
    def depth(self) -> float:
        """Distance of the pole."""
        return self.z

    def shadows(self) -> list[np.ndarray]:
        """The corner points that throw the shadow."""
        r = self.radius
        return [np.array([(self.x + side * r, up, self.z) for side in (-1, 1) for up in (0, self.height)])]

    def at(self, across: float, up: float) -> np.ndarray:
        """World point beside the pole."""
        return np.array([self.x + across, up, self.z])

    def paint(self, canvas: Canvas) -> None:
        """Paints the pole, its arm and what it carries."""
        colour = canvas.light.shade(self.colour, FACING)
        canvas.stick(self.at(0, 0), self.at(0, self.height), self.radius, colour, self.label)
        if self.arm:
            end = self.at(self.arm, self.height + 0.15)
            canvas.stick(self.at(0, self.height), end, self.radius * 0.8, colour, self.label)
        if self.lantern:
            tip = self.at(self.arm + (0.6 if self.arm > 0 else -0.6), self.height + 0.15)
            canvas.stick(end, tip, 0.12, canvas.light.shade(LAMP * 0.8, (0, -1, 0)), self.label)
        for across, up in self.signals:
            self._paint_signal(canvas, across, up)
        for name, across, up, scale in self.plates:
            self._paint_plate(canvas, name, across, up, scale)

    def _paint_signal(self, canvas: Canvas, across: float, up: float) -> None:
        housing = canvas.light.shade(self.housing, FACING)
        canvas.polygon(self._outline(4, SQUARE, (across, up), (0.46, 1.25)), housing, Label.TRAFFIC_LIGHT)
        for place, name in ((0.38, 'red'), (0.0, 'amber'), (-0.38, 'green')) if self.glow else ():
            lamp = SIGNALS[name] if name == self.glow else SIGNALS[name] * 0.12 + 0.04
            canvas.blob(self.at(across, up + place), 0.15, lamp)

    def _paint_plate(self, canvas: Canvas, name: str, across: float, up: float, scale: float) -> None:
        corners, turn, width, height, *colours = PLATES[name]
        rim, face, mark = (canvas.light.shade(colour, FACING) for colour in colours)
        size = np.array([width, height]) * scale
        canvas.polygon(self._outline(corners, turn, (across, up), size), rim, Label.TRAFFIC_SIGN)
        canvas.polygon(self._outline(corners, turn, (across, up), size * (0.8, 0.8)), face)
        for row in (0.22, -0.02, -0.26) if width > height else (-0.05,):
            bar = self._outline(4, SQUARE, (across, up + row * size[1]), size * (0.45, 0.13))
            canvas.polygon(bar, mark)

    def _outline(
        self, corners: int, turn: float, middle: tuple[float, float], size: tuple[float, float]
    ) -> np.ndarray:
        """Corners (N, 3) of a regular plate; a square standing on its side fills the whole size."""
        angle = turn + np.arange(corners) * 2 * np.pi / corners
        reach = np.sqrt(2) / 2 if (corners, turn) == (4, SQUARE) else 0.5
        across, up = middle[0] + reach * size[0] * np.cos(angle), middle[1] + reach * size[1] * np.sin(angle)
        return np.column_stack([self.x + across, up, np.full(corners, self.z)])
