"""A pinhole camera over a flat street: x to the right, y up, z ahead, in metres from below the camera."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

NEAR = 0.8


@dataclass(frozen=True)
class Pose:
    """Where the camera is and how it looks, free of any resolution.

    Args:
        focal: Focal length in image widths.
        horizon: Row of the horizon as a fraction of the image height.
        eye: Height over the ground in metres.
        x: Lateral position in metres.
        yaw: Turn to the right in radians.
    """

    focal: float
    horizon: float
    eye: float
    x: float
    yaw: float


@dataclass(frozen=True)
class Camera:
    """A pose with an image of ``width`` x ``height`` pixels."""

    pose: Pose
    width: int
    height: int

    @property
    def focal(self) -> float:
        """Focal length in pixels."""
        return self.pose.focal * self.width

    @cached_property
    def eye(self) -> np.ndarray:
        """World point (3,) of the camera."""
        return np.array([self.pose.x, self.pose.eye, 0.0])

    @cached_property
    def _turn(self) -> np.ndarray:
        cos, sin = np.cos(self.pose.yaw), np.sin(self.pose.yaw)
        return np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])

    @cached_property
    def _centre(self) -> np.ndarray:
        return np.array([self.width / 2 - 0.5, self.pose.horizon * self.height - 0.5])

    def view(self, points: np.ndarray) -> np.ndarray:
        """World points (N, 3) in camera coordinates: right, up, depth."""
        return (points - self.eye) @ self._turn

    def pixels(self, view: np.ndarray) -> np.ndarray:
        """Camera coordinates (N, 3), depth positive, as pixel coordinates (N, 2)."""
        return self._centre + view[:, :2] / view[:, 2:] * (self.focal, -self.focal)

    def plane(
        self, corner: np.ndarray, along: np.ndarray, up: np.ndarray, box: tuple[int, int, int, int]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Intersects the rays of a pixel box with a plane.

        Args:
            corner: A point of the plane (3,).
            along: First axis of the plane (3,), unit length.
            up: Second axis of the plane (3,), unit length.
            box: Pixels as (left, top, right, bottom), the last two excluded.

        Returns:
            The two plane coordinates in metres and the depth, each (rows, columns).
        """
        points = self.view(np.stack([corner + along, corner + up, corner]))
        inverse = np.linalg.inv((points - [points[2], points[2], np.zeros(3)]).T)
        left, top, right, bottom = box
        column = (np.arange(left, right) + 0.5 - self.width / 2) / self.focal
        row = (self.pose.horizon * self.height - 0.5 - np.arange(top, bottom)) / self.focal
        s, t, inverse_depth = (
            (a * column)[None].astype(np.float32) + (b * row + c)[:, None].astype(np.float32) for a, b, c in inverse
        )
        depth = 1 / np.where(np.abs(inverse_depth) < 1e-6, 1e-6, inverse_depth)
        return s * depth, t * depth, depth


def clip_near(view: np.ndarray) -> np.ndarray:
    """Cuts off what of a polygon (N, 3, camera coordinates) lies nearer than ``NEAR``."""
    if view[:, 2].min() >= NEAR:
        return view
    inside = view[:, 2] >= NEAR
    kept = []
    for here, there, is_in, goes_in in zip(view, np.roll(view, -1, 0), inside, np.roll(inside, -1), strict=True):
        if is_in:
            kept.append(here)
        if is_in != goes_in:
            kept.append(here + (there - here) * (NEAR - here[2]) / (there[2] - here[2]))
    return np.array(kept).reshape(-1, 3)
