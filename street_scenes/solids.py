"""Vehicles: side outlines pulled to the width of the body, with windows, lamps and wheels on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, sin

import numpy as np

from street_scenes.canvas import Canvas
from street_scenes.palette import CHROME, GLASS, LAMP, PLATE, TAIL_LAMP, TYRE
from street_scenes.thing import Thing

Rectangle = tuple[str, float, float, float, float]
Outline = tuple[tuple[float, float, str], ...]
# Windows and lamps are painted where a metre has more pixels than this.
DETAIL = 12
MATERIALS = {'glass': GLASS, 'dark': TYRE, 'chrome': CHROME, 'lamp': LAMP, 'tail': TAIL_LAMP, 'plate': PLATE}


@dataclass(frozen=True)
class Body:
    """A part of a vehicle.

    Args:
        outline: Corners of the side view as (along from the rear, up, material of the face that starts here),
            from the lower rear corner over the roof to the lower front corner, in metres.
        width: Full width in metres.
        paint: Which of the vehicle's colours 'paint' means: 0 or 1.
        belt: Height above which the body tapers.
        taper: Loss of half width per metre above the belt.
        side: Rectangles on both sides as (material, along, up, along, up).
        rear: Rectangles on the rear as (material, across, up, across, up), across in half widths.
        front: The same for the front.
    """

    outline: Outline
    width: float
    paint: int = 0
    belt: float = 9.0
    taper: float = 0.0
    side: tuple[Rectangle, ...] = ()
    rear: tuple[Rectangle, ...] = ()
    front: tuple[Rectangle, ...] = ()

    def half(self, up: np.ndarray) -> np.ndarray:
        """Half width at a height."""
        return self.width / 2 - self.taper * np.maximum(0, up - self.belt)

    def end(self, up: np.ndarray, front: bool) -> np.ndarray:
        """Where along the vehicle the rear or the front face is at a height."""
        chain = [corner[:2] for corner in (self.outline[::-1] if front else self.outline)]
        rising = [chain[0]]
        for corner in chain[1:]:
            if corner[1] <= rising[-1][1]:
                break
            rising.append(corner)
        return np.interp(up, [corner[1] for corner in rising], [corner[0] for corner in rising])


@dataclass(frozen=True)
class Model:
    """A kind of vehicle: its label, length in metres, bodies and wheels as (along, radius)."""

    label: int
    length: float
    bodies: tuple[Body, ...]
    wheels: tuple[tuple[float, float], ...] = ()

    @property
    def size(self) -> tuple[float, float, float]:
        """Length, width and height in metres."""
        height = max(up for body in self.bodies for _, up, _ in body.outline)
        return self.length, max(body.width for body in self.bodies), height


@dataclass
class Vehicle(Thing):
    """A model standing at (x, z), its middle, turned by ``heading`` radians from straight ahead."""

    model: Model
    x: float
    z: float
    heading: float
    paints: tuple[np.ndarray, np.ndarray]

    @property
    def depth(self) -> float:
        """Distance of its nearest end."""
        return self.z - abs(np.cos(self.heading)) * self.model.length / 2

    def place(self, local: np.ndarray) -> np.ndarray:
        """Points (N, 3) as (along, up, across) in world coordinates."""
        s, c = sin(self.heading), cos(self.heading)
        foot = (self.x - s * self.model.length / 2, 0.0, self.z - c * self.model.length / 2)
        return local @ np.array([[s, 0, c], [0, 1, 0], [c, 0, -s]]) + foot

    def local(self, point: np.ndarray) -> np.ndarray:
        """A world point (3,) as (along, up, across)."""
        s, c = sin(self.heading), cos(self.heading)
        x, up, z = point - (self.x, 0, self.z)
        return np.array([x * s + z * c + self.model.length / 2, up, x * c - z * s])

    def shadows(self) -> list[np.ndarray]:
        """The corner points that throw the shadow."""
        length, width, height = self.model.size
        corners = [(a, u, w) for a in (0, length) for u in (0, height) for w in (-width / 2, width / 2)]
        return [self.place(np.array(corners))]

    def footprints(self) -> list[np.ndarray]:
        """Outline on the ground (4, 3)."""
        length, width, _ = self.model.size
        w = width / 2
        return [self.place(np.array([(0, 0, -w), (length, 0, -w), (length, 0, w), (0, 0, w)]))]

    def paint(self, canvas: Canvas) -> None:
        """Paints the bodies from the farthest to the nearest, then the wheels."""
        eye = self.local(canvas.camera.eye)
        chassis, *others = self.model.bodies
        others.sort(key=lambda body: -abs(body.outline[0][0] + body.outline[-1][0] - 2 * eye[0]))
        for body in (chassis, *others):
            self._paint_faces(canvas, body, eye)
            if canvas.camera.focal > DETAIL * self.depth:
                self._paint_details(canvas, body, eye)
        if abs(eye[2]) > self.model.size[1] / 2:
            self._paint_wheels(canvas, float(np.sign(eye[2])))

    def _paint_faces(self, canvas: Canvas, body: Body, eye: np.ndarray) -> None:
        """The faces that the outline sweeps, then the side that looks at the camera."""
        profile = np.array([corner[:2] for corner in body.outline])
        half = body.half(profile[:, 1])
        faces = []
        for i, (edge, corner) in enumerate(zip(np.diff(profile, axis=0), profile, strict=False)):
            normal = np.array([-edge[1], edge[0], 0]) / np.hypot(*edge)
            if normal[0] * (eye[0] - corner[0]) + normal[1] * (eye[1] - corner[1]) > 0:
                faces.append((abs(corner[0] + edge[0] / 2 - eye[0]), i, normal))
        for _, i, normal in sorted(faces, key=lambda face: -face[0]):
            (a0, u0), (a1, u1), h0, h1 = profile[i], profile[i + 1], half[i], half[i + 1]
            face = np.array([(a0, u0, -h0), (a1, u1, -h1), (a1, u1, h1), (a0, u0, h0)])
            self._face(canvas, face, 'paint', normal, body)
            if body.outline[i][2] != 'paint':
                inset = face.mean(0) + (face - face.mean(0)) * (0.86, 0.86, 0.9)
                self._face(canvas, inset, body.outline[i][2], normal, body)
        if abs(eye[2]) > body.width / 2:
            side = np.sign(eye[2])
            self._face(canvas, np.column_stack([profile, side * half]), 'paint', (0, 0.15, side), body)

    def _paint_details(self, canvas: Canvas, body: Body, eye: np.ndarray) -> None:
        """Windows and lamps on the faces that look at the camera."""
        for rectangles, towards, front in ((body.rear, -1, False), (body.front, 1, True)):
            place = body.outline[-1 if front else 0][0]
            for material, x0, y0, x1, y1 in rectangles if towards * (eye[0] - place) > 0 else ():
                up, across = np.array([y0, y0, y1, y1]), np.array([x0, x1, x1, x0])
                corners = np.column_stack([body.end(up, front), up, across * body.half(up)])
                self._face(canvas, corners, material, (towards, 0.1, 0), body)
        if abs(eye[2]) > body.width / 2:
            side = np.sign(eye[2])
            for material, a0, y0, a1, y1 in body.side:
                up = np.array([y0, y1, y1, y0])
                corners = np.column_stack([(a0, a0, a1, a1), up, side * body.half(up)])
                self._face(canvas, corners, material, (0, 0.15, side), body)

    def _face(self, canvas: Canvas, corners: np.ndarray, material: str, normal: Sequence[float], body: Body) -> None:
        """Paints a face given by its corners and its normal as (along, up, across)."""
        s, c = sin(self.heading), cos(self.heading)
        along, up, across = normal
        colour = MATERIALS[material] if material != 'paint' else self.paints[body.paint]
        colour = canvas.light.shade(colour, (along * s + across * c, up, along * c - across * s))
        if material == 'glass':
            colour = colour + 0.14 * canvas.light.horizon
        canvas.polygon(self.place(corners), colour, self.model.label)

    def _paint_wheels(self, canvas: Canvas, side: float) -> None:
        angle = np.linspace(0, 2 * np.pi, 14, endpoint=False)
        for along, radius in self.model.wheels:
            for share, colour in ((1.0, TYRE), (0.55, CHROME * 0.5)):
                rim = np.column_stack([np.cos(angle), np.sin(angle), 0 * angle]) * radius * share
                centre = (along, radius, side * (self.model.size[1] / 2 + 0.01))
                canvas.polygon(self.place(rim + centre), colour, self.model.label)
