"""People, bicycles and motorcycles, drawn as jointed bars; joints are (ahead, up, across) in metres."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, sin

import numpy as np

from street_scenes.canvas import Canvas
from street_scenes.labels import Label
from street_scenes.palette import CHROME, CLOTHES, EARTHS, GREYS, LAMP, PAINT, SKIN, TYRE, pick
from street_scenes.thing import Thing

Joint = tuple[float, float, float]
Bar = tuple[str, Joint, Joint, float]
# Joints of one half of the body, the other half mirrored.
STANDING: dict[str, Joint] = {
    'head': (0.03, 1.62, 0), 'neck': (0, 1.42, 0), 'hip': (0, 0.92, 0),
    'shoulder': (0, 1.36, 0.2), 'elbow': (-0.03, 1.1, 0.25), 'hand': (0.05, 0.86, 0.25),
    'leg': (0, 0.9, 0.09), 'knee': (0.03, 0.5, 0.1), 'foot': (0, 0.06, 0.1), 'toe': (0.16, 0.04, 0.11),
}  # fmt: skip
CYCLING: dict[str, Joint] = {
    'head': (0.2, 1.6, 0), 'neck': (0.1, 1.42, 0), 'hip': (-0.2, 0.98, 0),
    'shoulder': (0.1, 1.36, 0.19), 'elbow': (0.28, 1.16, 0.24), 'hand': (0.46, 1.02, 0.22),
    'leg': (-0.18, 0.94, 0.1), 'knee': (0.16, 0.68, 0.12), 'foot': (0, 0.28, 0.12), 'toe': (0.14, 0.26, 0.12),
}  # fmt: skip
BIKING: dict[str, Joint] = {
    'head': (0.08, 1.54, 0), 'neck': (0, 1.34, 0), 'hip': (-0.25, 0.86, 0),
    'shoulder': (0, 1.28, 0.22), 'elbow': (0.22, 1.06, 0.3), 'hand': (0.42, 1.0, 0.3),
    'leg': (-0.2, 0.82, 0.16), 'knee': (0.2, 0.66, 0.24), 'foot': (0, 0.26, 0.22), 'toe': (0.16, 0.24, 0.22),
}  # fmt: skip
# How far ahead a full step moves a joint, in metres.
SWING = {'knee': 0.16, 'foot': 0.3, 'toe': 0.3, 'elbow': -0.12, 'hand': -0.22}
BONES = (
    ('trousers', 'leg', 'knee', 0.09), ('trousers', 'knee', 'foot', 0.065), ('shoes', 'foot', 'toe', 0.05),
    ('coat', 'hip', 'neck', 0.19), ('coat', 'shoulder', 'elbow', 0.065), ('coat', 'elbow', 'hand', 0.05),
    ('skin', 'hand', 'hand', 0.05),
)  # fmt: skip
HEAD = (('hair', (-0.02, 0.03, 0), 0.135), ('skin', (0.05, -0.03, 0), 0.105))
_ANGLE = np.linspace(0, 2 * np.pi, 20, endpoint=False)
RIM = np.column_stack([np.cos(_ANGLE), np.sin(_ANGLE), 0 * _ANGLE])
# label, wheels as (ahead, radius, hole as a share), bars as (material, from, to, radius)
MACHINES = {
    'bicycle': (
        Label.BICYCLE,
        ((-0.54, 0.34, 0.84), (0.54, 0.34, 0.84)),
        (
            ('frame', (-0.54, 0.34, 0), (-0.05, 0.3, 0), 0.022),
            ('frame', (-0.05, 0.3, 0), (-0.2, 0.86, 0), 0.025),
            ('frame', (-0.16, 0.78, 0), (0.38, 0.82, 0), 0.025),
            ('frame', (-0.05, 0.3, 0), (0.4, 0.78, 0), 0.028),
            ('frame', (-0.54, 0.34, 0), (-0.16, 0.74, 0), 0.018),
            ('frame', (0.54, 0.34, 0), (0.36, 1.0, 0), 0.024),
            ('tyre', (0.36, 1.02, -0.26), (0.36, 1.02, 0.26), 0.025),
            ('tyre', (-0.3, 0.9, 0), (-0.1, 0.9, 0), 0.045),
        ),
    ),
    'motorcycle': (
        Label.MOTORCYCLE,
        ((-0.7, 0.32, 0.5), (0.72, 0.32, 0.55)),
        (
            ('tyre', (-0.25, 0.42, 0), (0.25, 0.42, 0), 0.2),
            ('chrome', (-0.75, 0.34, 0.14), (0.1, 0.3, 0.14), 0.05),
            ('frame', (-0.95, 0.78, 0), (-0.3, 0.72, 0), 0.09),
            ('tyre', (-0.75, 0.84, 0), (-0.05, 0.8, 0), 0.08),
            ('frame', (0.0, 0.82, 0), (0.38, 0.88, 0), 0.16),
            ('chrome', (0.72, 0.32, 0.08), (0.46, 1.0, 0.08), 0.035),
            ('frame', (0.5, 0.64, 0), (0.92, 0.62, 0), 0.05),
            ('tyre', (0.4, 1.06, -0.38), (0.4, 1.06, 0.38), 0.035),
            ('lamp', (0.54, 0.9, 0), (0.6, 0.9, 0), 0.1),
            ('tyre', (0.4, 1.08, 0.3), (0.4, 1.24, 0.36), 0.05),
        ),
    ),
}  # fmt: skip


@dataclass
class Figure(Thing):
    """A person on foot, a machine, or a machine with its rider, at (x, z), turned by ``heading``."""

    x: float
    z: float
    heading: float
    scale: float
    gait: float
    colours: dict[str, np.ndarray]
    machine: str | None = None
    ridden: bool = False

    @property
    def depth(self) -> float:
        """Distance of its middle."""
        return self.z

    def place(self, local: np.ndarray) -> np.ndarray:
        """Points (N, 3) as (ahead, up, across) in world coordinates."""
        ahead, up, across = np.asarray(local, np.float64).T * self.scale
        s, c = sin(self.heading), cos(self.heading)
        return np.array([self.x + ahead * s + across * c, up, self.z + ahead * c - across * s]).T

    def shadows(self) -> list[np.ndarray]:
        """The corner points that throw the shadow."""
        length, height = (0.85, 1.7 if self.ridden else 1.0) if self.machine else (0.2, 1.7)
        return [self.place([(a, u, w) for a in (-length, length) for u in (0, height) for w in (-0.2, 0.2)])]

    def footprints(self) -> list[np.ndarray]:
        """Outline on the ground (4, 3)."""
        length = 0.8 if self.machine else 0.25
        return [self.place([(-length, 0, -0.2), (length, 0, -0.2), (length, 0, 0.2), (-length, 0, 0.2)])]

    def paint(self, canvas: Canvas) -> None:
        """Paints the machine first, then whoever walks or sits on it."""
        if self.machine:
            self._paint_machine(canvas)
        if self.ridden:
            self._paint_body(canvas, CYCLING if self.machine == 'bicycle' else BIKING, Label.RIDER)
        elif not self.machine:
            self._paint_body(canvas, STANDING, Label.PERSON)

    def _lit(self, canvas: Canvas) -> dict[str, np.ndarray]:
        towards = np.array([canvas.camera.pose.x - self.x, 0.4, -self.z])
        gain = canvas.light.shade(np.ones(3, np.float32), towards / np.linalg.norm(towards))
        return {material: colour * gain for material, colour in self.colours.items()}

    def _paint_machine(self, canvas: Canvas) -> None:
        label, wheels, bars = MACHINES[self.machine]
        colours = self._lit(canvas)
        for ahead, radius, hole in wheels:
            rim = RIM * radius + (ahead, radius, 0)
            inner = RIM * radius * hole + (ahead, radius, 0)
            canvas.ring(self.place(rim), self.place(inner), colours['tyre'], label)
        tyres = tuple(('tyre', (x, 0.02, 0), (x, 2 * r, 0), 0.025 / hole**2) for x, r, hole in wheels)
        self._paint_bars(canvas, tyres + bars, colours, label)

    def _paint_body(self, canvas: Canvas, pose: dict[str, Joint], label: Label) -> None:
        right_is_far = cos(self.heading) * (self.x - canvas.camera.pose.x) > sin(self.heading) * self.z
        colours = self._lit(canvas)
        sides = (1, -1) if right_is_far else (-1, 1)
        bones = [
            (material, self._joint(pose, start, side), self._joint(pose, end, side), radius)
            for side in sides for material, start, end, radius in BONES
        ]  # fmt: skip
        self._paint_bars(canvas, bones, colours, label)
        away = cos(self.heading) > 0.3
        for material, shift, radius in HEAD[::-1] if away else HEAD:
            canvas.blob(
                self.place(np.add(pose['head'], shift)[None])[0],
                radius * self.scale,
                colours[material],
                label,
            )

    def _paint_bars(self, canvas: Canvas, bars: Sequence[Bar], colours: dict[str, np.ndarray], label: int) -> None:
        materials, starts, ends, radii = zip(*bars, strict=True)
        points = self.place(np.array([starts, ends]).reshape(-1, 3)).reshape(2, -1, 3).transpose(1, 0, 2)
        canvas.sticks(points, np.array(radii) * self.scale, np.stack([colours[name] for name in materials]), label)

    def _joint(self, pose: dict[str, Joint], name: str, side: int) -> Joint:
        ahead, up, across = pose[name]
        reach = self.gait * side * SWING.get(name, 0) * (1 if pose is STANDING else 0.4)
        return ahead + reach, up + abs(reach) * 0.1, across * side


def figure(
    rng: np.random.Generator,
    x: float,
    z: float,
    heading: float,
    machine: str | None = None,
    ridden: bool = False,
) -> Figure:
    """Dresses a figure: nobody's clothes tell whether he walks or rides."""
    colours = {name: pick(rng, CLOTHES) for name in ('coat', 'trousers', 'shoes')}
    colours |= {'skin': pick(rng, SKIN), 'hair': pick(rng, np.concatenate([EARTHS[[0, 1, 6]], GREYS[:6]]))}
    colours |= {'frame': pick(rng, PAINT), 'tyre': TYRE, 'chrome': CHROME, 'lamp': LAMP}
    small = rng.random() < 0.12 and not machine
    return Figure(
        x,
        z,
        heading,
        rng.uniform(0.62, 0.8) if small else rng.uniform(0.94, 1.12),
        rng.uniform(-1, 1),
        colours,
        machine,
        ridden,
    )
