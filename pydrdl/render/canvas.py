"""A camera and the surface it draws on.

World: metres; x to the right, y up, z away from the viewer, the vehicle's near
end at z = 0 on a road at y = 0.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from pydrdl.render.colour import Colour, mixed

Points = NDArray[np.float64]
SHIFT = 4  # OpenCV takes coordinates in 1/16 pixel


@dataclass(frozen=True)
class Face:
    """A flat or slightly twisted four-cornered face.

    Attributes:
        corners: 4 x 3, bottom left, bottom right, top right, top left.
    """

    corners: Points

    def at(self, uv: ArrayLike) -> Points:
        """Maps N x 2 of u (-1 left .. 1 right), v (0 bottom .. 1 top) to N x 3."""
        u, v = np.asarray(uv, float).reshape(-1, 2).T
        right = (u + 1) / 2
        weights = ((1 - right) * (1 - v), right * (1 - v), right * v, (1 - right) * v)
        return np.stack(weights, axis=1) @ self.corners


def face(*corners: tuple[float, float, float]) -> Face:
    """Makes a face of bottom left, bottom right, top right and top left."""
    return Face(np.array(corners, float))


def rectangle(u: float, v: float, half_width: float, half_height: float) -> Points:
    """Returns the 4 x 2 corners of a rectangle about (u, v)."""
    signs = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    return np.array([u, v]) + signs * (half_width, half_height)


def ellipse(u: float, v: float, half_width: float, half_height: float) -> Points:
    """Returns 16 x 2 points of an ellipse about (u, v)."""
    angle = np.arange(16) * (np.pi / 8)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.array([u, v]) + circle * (half_width, half_height)


def rounded(
    u: float, v: float, half_width: float, half_height: float, corner: float = 0.4
) -> Points:
    """Returns 8 x 2 corners of a rectangle with cut corners."""
    cut = 1 - corner
    signs = np.array([(-cut, -1), (cut, -1), (1, -cut), (1, cut),
                      (cut, 1), (-cut, 1), (-1, cut), (-1, -cut)])  # fmt: skip
    return np.array([u, v]) + signs * (half_width, half_height)


def both_sides(uv: ArrayLike) -> tuple[Points, Points]:
    """Returns N x 2 points and their mirror image."""
    points = np.asarray(uv, float).reshape(-1, 2)
    return points, points * (-1, 1)


class Canvas:
    """An image that faces are painted on, the nearer over the farther.

    Args:
        pixels: height x width x 3, uint8, BGR; painted in place.
        yaw: how far the vehicle is turned, radians.
        pitch: how far the camera looks down, radians.
        distance: from camera to vehicle, metres.
        focus: the point in the middle of the view, world coordinates.
    """

    def __init__(
        self,
        pixels: NDArray[np.uint8],
        yaw: float,
        pitch: float,
        distance: float,
        focus: tuple[float, float, float],
    ) -> None:
        self.pixels = pixels
        sy, cy, sp, cp = np.sin(yaw), np.cos(yaw), np.sin(pitch), np.cos(pitch)
        turn = np.array([(cy, 0, sy), (0, 1, 0), (-sy, 0, cy)])
        look = np.array([(1, 0, 0), (0, cp, sp), (0, -sp, cp)])
        self._rotation = (look @ turn).T
        self._focus = np.array(focus)
        self._distance = distance
        self._to_pixels = np.eye(2, 3)

    def frame(self, points: Points, box: ArrayLike) -> None:
        """Sets the scale: the points' bounding box comes to lie on the given one.

        Args:
            points: N x 3, world coordinates.
            box: left, top, right, bottom in pixels; the scale is the same in x
                and y, the boxes' middles coincide.
        """
        self._to_pixels = np.eye(2, 3)
        seen = self.project(points)
        low, high = seen.min(axis=0), seen.max(axis=0)
        wanted = np.asarray(box, float).reshape(2, 2)
        scale = float(np.min((wanted[1] - wanted[0]) / (high - low)))
        offset = wanted.mean(axis=0) - scale * (low + high) / 2
        self._to_pixels = np.column_stack([np.eye(2) * scale, offset])

    def project(self, points: Points) -> Points:
        """Maps N x 3 world coordinates to N x 2 pixels."""
        x, y, z = ((points - self._focus) @ self._rotation).T
        depth = np.maximum(z + self._distance, 0.5)
        flat = np.stack([x / depth, -y / depth, np.ones_like(x)], axis=1)
        return flat @ self._to_pixels.T

    def fill(self, points: Points, colour: Colour) -> None:
        """Paints a polygon of N x 3 world coordinates."""
        flat = np.rint(self.project(points) * (1 << SHIFT)).astype(np.int32)
        cv2.fillPoly(self.pixels, [flat], colour, cv2.LINE_AA, SHIFT)

    def paint(self, on: Face, uv: ArrayLike, colour: Colour) -> None:
        """Paints a polygon of N x 2 face coordinates."""
        self.fill(on.at(uv), colour)

    def shade(self, on: Face, bottom: Colour, top: Colour, steps: int = 6) -> None:
        """Paints a whole face, its colour running from bottom to top."""
        for step in range(steps):
            mix = step / (steps - 1)
            low = step / steps
            strip = [(-1, low), (1, low), (1, 1), (-1, 1)]
            self.paint(on, strip, mixed(bottom, top, mix))

    def line(self, points: Points, colour: Colour, width: float) -> None:
        """Draws a line through N x 3 world coordinates; width in image shares."""
        flat = np.rint(self.project(points) * (1 << SHIFT)).astype(np.int32)
        thick = max(1, round(width * self.pixels.shape[1]))
        cv2.polylines(self.pixels, [flat], False, colour, thick, cv2.LINE_AA, SHIFT)

    def lines(
        self, on: Face, strokes: Iterable[ArrayLike], colour: Colour, width: float
    ) -> None:
        """Draws lines through N x 2 face coordinates."""
        for stroke in strokes:
            self.line(on.at(stroke), colour, width)
