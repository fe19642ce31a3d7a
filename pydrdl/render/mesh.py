"""Curved surfaces of a vehicle, and shapes drawn on them.

The vehicle's frame: metres; x to its left, y up, z forward, the origin on the
road under its middle. A surface has its own coordinates: u from -1 to 1, v from
0 to 1.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import IntEnum, auto
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


# A vehicle as polygons and lines in 3D, and the order in which they are painted.
#
# Surfaces that face away are left out; the others are painted part by part from
# far to near, which for a vehicle seen along its length is a fixed order for each
# end, and for one seen from beside another.


Int = NDArray[np.int64]


class Part(IntEnum):
    """Where on the vehicle something is."""

    UNDER = 0
    WHEEL = auto()
    SIDE = auto()
    LEDGE = auto()
    FLANK = auto()  # the greenhouse's sides
    ROOF = auto()
    LOAD = auto()
    SCREEN = auto()
    BONNET = auto()
    MIRROR = auto()
    FRONT = auto()
    WINDOW = auto()  # the rear window
    BOOT = auto()
    BED = auto()
    BACK = auto()
    CARGO = auto()


FRONT_ORDER = (
    Part.CARGO, Part.BACK, Part.BOOT, Part.BED, Part.WINDOW, Part.UNDER, Part.WHEEL,
    Part.SIDE, Part.LEDGE, Part.FLANK, Part.ROOF, Part.LOAD, Part.SCREEN, Part.BONNET,
    Part.MIRROR, Part.FRONT,
)  # fmt: skip
BACK_ORDER = (
    Part.FRONT, Part.MIRROR, Part.BONNET, Part.SCREEN, Part.UNDER, Part.WHEEL,
    Part.SIDE, Part.LEDGE, Part.FLANK, Part.ROOF, Part.LOAD, Part.WINDOW, Part.BOOT,
    Part.BED, Part.CARGO, Part.BACK,
)  # fmt: skip

# A camera beside a vehicle, between the lines of its front and back. What is on
# the far side comes first; see painter.
SIDE_ORDER = (
    Part.UNDER, Part.WHEEL, Part.CARGO, Part.BED, Part.BACK, Part.BOOT, Part.WINDOW,
    Part.FRONT, Part.BONNET, Part.SCREEN, Part.ROOF, Part.LOAD, Part.LEDGE, Part.FLANK,
    Part.SIDE, Part.MIRROR,
)  # fmt: skip


class Kind(IntEnum):
    """How an element is painted."""

    CONVEX = 0
    POLYGON = 1
    LINE = 2
    PANE = 3  # glass that is looked through


@dataclass(frozen=True)
class Mesh:
    """Elements and their points; E elements, V points.

    Attributes:
        points: V x 3.
        starts: E + 1 offsets into points.
        normals: E x 3 unit vectors; zero where both sides are seen.
        materials: E rows of a palette.
        parts: E of Part.
        layers: E; 0 is sorted by distance inside its part, others lie above, in
            ascending order.
        kinds: E of Kind.
        widths: E, metres, of lines.
    """

    points: Points
    starts: Int
    normals: Points
    materials: Int
    parts: Int
    layers: Int
    kinds: Int
    widths: Points

    @property
    def centres(self) -> Points:
        """The mean point of each element, E x 3."""
        sums = np.add.reduceat(self.points, self.starts[:-1], axis=0)
        return np.asarray(sums / np.diff(self.starts)[:, None])


@dataclass
class Builder:
    """Collects elements into a mesh."""

    points: list[Points] = field(default_factory=list)
    rows: list[tuple[float, float, float, int, int, int, int, float]] = field(
        default_factory=list
    )

    def add(
        self,
        part: Part,
        material: int,
        points: ArrayLike,
        normal: ArrayLike | None = None,
        *,
        kind: Kind = Kind.CONVEX,
        layer: int | None = None,
        width: float = 0.0,
    ) -> None:
        """Adds an element; without a normal it is seen from both sides."""
        x, y, z = (0.0, 0.0, 0.0) if normal is None else np.asarray(normal).tolist()
        above = len(self.rows) + 1 if layer is None else layer
        self.points.append(np.asarray(points, float).reshape(-1, 3))
        self.rows.append((x, y, z, material, part, above, kind, width))

    def surface(
        self,
        part: Part,
        material: int | Callable[[float, float], int],
        on: Patch,
        columns: int,
        rows: int,
    ) -> None:
        """Adds a patch as columns x rows four-cornered faces."""
        u, v = np.linspace(-1, 1, columns + 1), np.linspace(0, 1, rows + 1)
        vv, uu = np.meshgrid(v, u, indexing="ij")
        corners = on.at(np.stack([uu, vv], -1)).reshape(rows + 1, columns + 1, 3)
        mv, mu = np.meshgrid((v[1:] + v[:-1]) / 2, (u[1:] + u[:-1]) / 2, indexing="ij")
        normals = on.normal_at(np.stack([mu, mv], -1)).reshape(rows, columns, 3)
        for i in range(rows):
            for j in range(columns):
                quad = corners[[i, i, i + 1, i + 1], [j, j + 1, j + 1, j]]
                chosen = (
                    material if isinstance(material, int)
                    else material(float(mu[i, j]), float(mv[i, j]))
                )  # fmt: skip
                self.add(part, chosen, quad, normals[i, j], layer=0)

    def decal(
        self,
        part: Part,
        material: int,
        on: Patch,
        uv: ArrayLike,
        kind: Kind = Kind.CONVEX,
    ) -> None:
        """Adds a shape of N x 2 surface coordinates, lying on a patch."""
        shape = np.asarray(uv, float).reshape(-1, 2)
        normal = on.normal_at(shape.mean(axis=0))[0]
        self.add(part, material, on.at(shape), normal, kind=kind)

    def stroke(
        self, part: Part, material: int, on: Patch, uv: ArrayLike, width: float
    ) -> None:
        """Adds a line through N x 2 surface coordinates, width in metres."""
        path = np.asarray(uv, float).reshape(-1, 2)
        normal = on.normal_at(path.mean(axis=0))[0]
        self.add(part, material, on.at(path), normal, kind=Kind.LINE, width=width)

    def box(
        self,
        part: Part,
        material: int,
        low: tuple[float, float, float],
        high: tuple[float, float, float],
        *,
        shrink: float = 0.0,
        layer: int | None = 0,
    ) -> None:
        """Adds a box between two corners, its top smaller by a share."""
        (x0, y0, z0), (x1, y1, z1) = low, high
        dx, dz = shrink * (x1 - x0) / 2, shrink * (z1 - z0) / 2
        base = [(x0, y0, z0), (x1, y0, z0), (x1, y0, z1), (x0, y0, z1)]
        top = [(x0 + dx, y1, z0 + dz), (x1 - dx, y1, z0 + dz),
               (x1 - dx, y1, z1 - dz), (x0 + dx, y1, z1 - dz)]  # fmt: skip
        outward = ((0, 0, -1), (1, 0, 0), (0, 0, 1), (-1, 0, 0))
        for i, normal in enumerate(outward):
            j = (i + 1) % 4
            self.add(part, material, [base[i], base[j], top[j], top[i]], normal,
                     layer=layer)  # fmt: skip
        self.add(part, material, top, (0, 1, 0), layer=layer)

    def build(self) -> Mesh:
        """Returns what was added."""
        table = np.array(self.rows, float).reshape(-1, 8)
        sizes = [len(points) for points in self.points]
        whole = table[:, 3:7].astype(np.int64)
        return Mesh(
            np.concatenate([*self.points, np.zeros((0, 3))]),
            np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            table[:, :3], whole[:, 0], whole[:, 1], whole[:, 2], whole[:, 3],
            table[:, 7],
        )  # fmt: skip


def joined(meshes: Iterable[Mesh]) -> Mesh:
    """Returns several meshes as one; later ones lie above earlier ones."""
    parts = list(meshes)
    starts, layers, points, above = [np.zeros(1, np.int64)], [], 0, 0
    for mesh in parts:
        starts.append(mesh.starts[1:] + points)
        layers.append(np.where(mesh.layers > 0, mesh.layers + above, 0))
        points += len(mesh.points)
        above += len(mesh.layers)
    return Mesh(
        np.concatenate([mesh.points for mesh in parts]),
        np.concatenate(starts),
        np.concatenate([mesh.normals for mesh in parts]),
        np.concatenate([mesh.materials for mesh in parts]),
        np.concatenate([mesh.parts for mesh in parts]),
        np.concatenate(layers),
        np.concatenate([mesh.kinds for mesh in parts]),
        np.concatenate([mesh.widths for mesh in parts]),
    )
