"""Curved surfaces of a vehicle, and shapes drawn on them.

The vehicle's frame: metres; x to its left, y up, z forward, the origin on the
road under its middle. A surface has its own coordinates: u from -1 to 1, v from
0 to 1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.float64]
Surface = Callable[[Points, Points], tuple[Points, Points, Points]]
COLUMNS, ROWS = 25, 13  # of the grid that stands for a surface


@dataclass(frozen=True)
class Patch:
    """A surface, known at the points of a grid and straight between them.

    Attributes:
        grid: rows (v) x columns (u) x 3, metres.
        sign: 1 where the cross product along u and v points out, else -1.
    """

    grid: Points
    sign: int

    @cached_property
    def normals(self) -> Points:
        """Unit vectors pointing out, rows x columns x 3."""
        across = np.gradient(self.grid, axis=1)
        along = np.gradient(self.grid, axis=0)
        normal = self.sign * np.cross(across, along)
        length = np.linalg.norm(normal, axis=2, keepdims=True)
        return np.asarray(normal / np.maximum(length, 1e-9))

    def size_at(self, u: float, v: float) -> Points:
        """Metres that one unit of u, and one of v, are long near a point."""
        du, dv = 2 / COLUMNS, 1 / ROWS
        u, v = np.clip(u, du - 1, 1 - du), np.clip(v, dv, 1 - dv)
        left, right, low, high = self.at([(u - du, v), (u + du, v), (u, v - dv),
                                          (u, v + dv)])  # fmt: skip
        ends = np.stack([right - left, high - low])
        return np.asarray(np.linalg.norm(ends, axis=1) / (2 * du, 2 * dv))

    def at(self, uv: ArrayLike) -> Points:
        """Maps N x 2 surface coordinates to N x 3."""
        return _between(self.grid, uv)

    def normal_at(self, uv: ArrayLike) -> Points:
        """Returns the unit normals at N x 2 surface coordinates, N x 3."""
        normal = _between(self.normals, uv)
        length = np.linalg.norm(normal, axis=1, keepdims=True)
        return np.asarray(normal / np.maximum(length, 1e-9))

    def metres(self, u: float, v: float, shape: ArrayLike) -> Points:
        """Places a shape given in metres about (u, v): N x 2 surface coordinates."""
        return np.array([u, v]) + np.asarray(shape, float) / self.size_at(u, v)


def patch(surface: Surface, outward: tuple[float, float, float]) -> Patch:
    """Samples a surface.

    Args:
        surface: maps u and v, arrays of one shape, to x, y and z.
        outward: a direction that the surface faces, roughly.
    """
    v, u = np.meshgrid(np.linspace(0, 1, ROWS), np.linspace(-1, 1, COLUMNS),
                       indexing="ij")  # fmt: skip
    grid = np.stack(np.broadcast_arrays(*surface(u, v)), axis=2).astype(float)
    trial = Patch(grid, 1)
    faces = float(trial.normals.mean(axis=(0, 1)) @ np.array(outward))
    return Patch(grid, 1 if faces >= 0 else -1)


def _between(grid: Points, uv: ArrayLike) -> Points:
    u, v = np.asarray(uv, float).reshape(-1, 2).T
    rows, columns = grid.shape[:2]
    x = np.clip((u + 1) / 2, 0, 1) * (columns - 1)
    y = np.clip(v, 0, 1) * (rows - 1)
    left = np.minimum(x.astype(int), columns - 2)
    low = np.minimum(y.astype(int), rows - 2)
    a, b = (x - left)[:, None], (y - low)[:, None]
    bottom = grid[low, left] * (1 - a) + grid[low, left + 1] * a
    top = grid[low + 1, left] * (1 - a) + grid[low + 1, left + 1] * a
    return np.asarray(bottom * (1 - b) + top * b)


def rectangle(u: float, v: float, half_width: float, half_height: float) -> Points:
    """Returns the 4 x 2 corners of a rectangle about (u, v)."""
    signs = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    return np.array([u, v]) + signs * (half_width, half_height)


def ellipse(
    u: float, v: float, half_width: float, half_height: float, corners: int = 14
) -> Points:
    """Returns corners x 2 points of an ellipse about (u, v)."""
    angle = np.arange(corners) * (2 * np.pi / corners)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.array([u, v]) + circle * (half_width, half_height)


def rounded(
    u: float, v: float, half_width: float, half_height: float, corner: float = 0.3
) -> Points:
    """Returns 8 x 2 corners of a rectangle with cut corners."""
    cut = 1 - corner
    signs = np.array([(-cut, -1), (cut, -1), (1, -cut), (1, cut),
                      (cut, 1), (-cut, 1), (-1, cut), (-1, -cut)])  # fmt: skip
    return np.array([u, v]) + signs * (half_width, half_height)


def dense(shape: ArrayLike, steps: int = 4) -> Points:
    """Returns a polygon with further points on its edges, to follow a curve."""
    corners = np.asarray(shape, float)
    edges = np.roll(corners, -1, axis=0) - corners
    share = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    return np.asarray((corners[:, None] + edges[:, None] * share).reshape(-1, 2))
