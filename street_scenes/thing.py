"""What everything that stands in a street has in common."""

from abc import ABC, abstractmethod

import numpy as np

from street_scenes.canvas import Canvas


class Thing(ABC):
    """Something that is painted and throws a shadow; a backdrop stands behind everything else."""

    backdrop = False

    @property
    @abstractmethod
    def depth(self) -> float:
        """Distance in metres; what is nearer is painted later."""

    @abstractmethod
    def paint(self, canvas: Canvas) -> None:
        """Paints image and labels."""

    @abstractmethod
    def shadows(self) -> list[np.ndarray]:
        """Corner points (N, 3) of the convex bodies that throw a shadow."""

    def footprints(self) -> list[np.ndarray]:
        """Outlines (N, 3) on the ground of what hides it from the sky."""
        return []
