"""A vehicle as coloured polygons and lines that lie on curved surfaces.

The vehicle's frame: metres; x to its left, y up, z forward, the origin on the
road under its middle. A surface has its own coordinates: u from -1 to 1, v from
0 to 1.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from enum import IntEnum
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from pydrdl.arrays import Float64, Int

Points = Float64
Colour = tuple[float, float, float]  # BGR, 0 to 255
COLUMNS, ROWS = 25, 13  # of the grid that stands for a surface
V, U = np.meshgrid(np.linspace(0, 1, ROWS), np.linspace(-1, 1, COLUMNS), indexing="ij")


# What surfaces are made of: rows of every palette. A vehicle's own colours follow.
# LOWER is the paint of the sills and the doors' lower half, TOP of the roof.
Stuff = IntEnum(
    "Stuff",
    """PAINT LOWER TOP BONNET BUMPER MIRROR CARGO TRIM GAP RUBBER RIM CHROME GLASS
    DARK LENS REFLECTOR GLINT RED RED_LIT AMBER WHITE PLATE PLATE_EDGE CABIN SEAT
    SKIN SHIRT STEEL DASH""",
    start=0,
)
# Where on the vehicle something is. FLANK is a side of the glass house, LEDGE the
# shoulder below it, WINDOW the rear window.
Region = IntEnum(
    "Region",
    """UNDER WHEEL SIDE LEDGE FLANK ROOF LOAD SCREEN BONNET MIRROR FRONT WINDOW BOOT
    BED BACK CARGO""",
    start=0,
)


class Kind(IntEnum):
    """How an element is painted."""

    CONVEX = 0
    POLYGON = 1
    LINE = 2
    PANE = 3  # glass that is looked through


@dataclass(frozen=True)
class Patch:
    """A surface, known at the points of a grid and straight between them."""

    region: Region  # of the vehicle
    grid: Points  # rows (v) x columns (u) x 3, metres
    sign: int  # 1 where the cross product along u and v points out, else -1

    @cached_property
    def normals(self) -> Points:
        """Unit vectors pointing out, rows x columns x 3."""
        across = np.gradient(self.grid, axis=1)
        along = np.gradient(self.grid, axis=0)
        return _unit(self.sign * np.cross(across, along))

    def at(self, uv: ArrayLike) -> Points:
        """Maps N x 2 surface coordinates to N x 3."""
        return _between(self.grid, uv)

    def normal_at(self, uv: ArrayLike) -> Points:
        """Returns the unit normals at N x 2 surface coordinates, N x 3."""
        return _unit(_between(self.normals, uv))

    def size_at(self, u: float, v: float) -> Points:
        """Metres that one unit of u, and one of v, are long near a point."""
        du, dv = 2 / COLUMNS, 1 / ROWS
        u, v = np.clip(u, du - 1, 1 - du), np.clip(v, dv, 1 - dv)
        around = [(u - du, v), (u + du, v), (u, v - dv), (u, v + dv)]
        left, right, low, high = self.at(around)
        ends = np.stack([right - left, high - low])
        return np.asarray(np.linalg.norm(ends, axis=1) / (2 * du, 2 * dv))

    def metres(self, u: float, v: float, shape: ArrayLike) -> Points:
        """Places a shape given in metres about (u, v): N x 2 surface coordinates."""
        return np.array([u, v]) + np.asarray(shape, float) / self.size_at(u, v)


def patch(
    region: Region,
    x: ArrayLike,
    y: ArrayLike,
    z: ArrayLike,
    outward: tuple[float, float, float],
) -> Patch:
    """Returns the surface that x, y and z of U and V make; outward is rough."""
    grid = np.stack(np.broadcast_arrays(x, y, z), axis=2).astype(float)
    faces = float(Patch(region, grid, 1).normals.mean(axis=(0, 1)) @ np.array(outward))
    return Patch(region, grid, 1 if faces >= 0 else -1)


def _unit(vectors: Points) -> Points:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-9))


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
    signs = [(-cut, -1), (cut, -1), (1, -cut), (1, cut)]
    signs += [(-x, -y) for x, y in signs]
    return np.array([u, v]) + np.array(signs) * (half_width, half_height)


def dense(shape: ArrayLike, steps: int = 4) -> Points:
    """Returns a polygon with further points on its edges, to follow a curve."""
    corners = np.asarray(shape, float)
    edges = np.roll(corners, -1, axis=0) - corners
    share = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    return np.asarray((corners[:, None] + edges[:, None] * share).reshape(-1, 2))


@dataclass(frozen=True)
class Mesh:
    """Elements and their points; E elements, V points."""

    points: Points  # V x 3
    starts: Int  # E + 1 offsets into points
    normals: Points  # E x 3 unit vectors; zero where both sides are seen
    materials: Int  # E rows of a palette
    regions: Int  # E of Region
    # E; 0 is sorted by distance inside its region, others lie above, ascending.
    layers: Int
    kinds: Int  # E of Kind
    widths: Points  # E, metres, of lines

    @property
    def centres(self) -> Points:
        """The mean point of each element, E x 3."""
        sums = np.add.reduceat(self.points, self.starts[:-1], axis=0)
        return np.asarray(sums / np.diff(self.starts)[:, None])


@dataclass
class Builder:
    """Collects elements into a mesh."""

    points: list[Points] = field(default_factory=list)
    rows: list[tuple[float, ...]] = field(default_factory=list)

    def add(
        self,
        region: Region,
        material: int,
        points: ArrayLike,
        normal: ArrayLike | None = None,
        *,
        kind: Kind = Kind.CONVEX,
        layer: int | None = None,
        width: float = 0.0,
    ) -> None:
        """Adds an element; without a normal it is seen from both sides."""
        facing = (0.0, 0.0, 0.0) if normal is None else np.asarray(normal).tolist()
        above = len(self.rows) + 1 if layer is None else layer
        self.points.append(np.asarray(points, float).reshape(-1, 3))
        self.rows.append((*facing, material, region, above, kind, width))

    def line(
        self, region: Region, material: int, points: ArrayLike, width: float
    ) -> None:
        """Adds a line through N x 3 points that is seen from everywhere."""
        self.add(region, material, points, kind=Kind.LINE, width=width)

    def surface(
        self,
        on: Patch,
        material: int | Callable[[float, float], int],
        columns: int,
        rows: int,
    ) -> None:
        """Adds a patch as columns x rows four-cornered faces."""
        u, v = np.linspace(-1, 1, columns + 1), np.linspace(0, 1, rows + 1)
        vv, uu = np.meshgrid(v, u, indexing="ij")
        corners = on.at(np.stack([uu, vv], -1)).reshape(rows + 1, columns + 1, 3)
        mv, mu = np.meshgrid((v[1:] + v[:-1]) / 2, (u[1:] + u[:-1]) / 2, indexing="ij")
        normals = on.normal_at(np.stack([mu, mv], -1)).reshape(rows, columns, 3)
        for i, j in np.ndindex(rows, columns):
            quad = corners[[i, i, i + 1, i + 1], [j, j + 1, j + 1, j]]
            chosen = material
            if callable(chosen):
                chosen = chosen(float(mu[i, j]), float(mv[i, j]))
            self.add(on.region, chosen, quad, normals[i, j], layer=0)

    def decal(
        self,
        on: Patch,
        material: int,
        uv: ArrayLike,
        kind: Kind = Kind.CONVEX,
        width: float = 0.0,
    ) -> None:
        """Adds a shape of N x 2 surface coordinates, lying on a patch."""
        shape = np.asarray(uv, float).reshape(-1, 2)
        normal = on.normal_at(shape.mean(axis=0))[0]
        self.add(on.region, material, on.at(shape), normal, kind=kind, width=width)

    def stroke(self, on: Patch, material: int, uv: ArrayLike, width: float) -> None:
        """Adds a line through N x 2 surface coordinates, width in metres."""
        self.decal(on, material, uv, Kind.LINE, width)

    def box(
        self,
        region: Region,
        material: int,
        low: Sequence[float],
        high: Sequence[float],
        shrink: float,
    ) -> None:
        """Adds a box between two corners, its top smaller by a share."""
        (x0, y0, z0), (x1, y1, z1) = low, high
        dx, dz = shrink * (x1 - x0) / 2, shrink * (z1 - z0) / 2
        base = [(x0, y0, z0), (x1, y0, z0), (x1, y0, z1), (x0, y0, z1)]
        inner = (x0 + dx, z0 + dz), (x1 - dx, z0 + dz), (x1 - dx, z1 - dz)
        top = [(x, y1, z) for x, z in (*inner, (x0 + dx, z1 - dz))]
        for i, normal in enumerate(((0, 0, -1), (1, 0, 0), (0, 0, 1), (-1, 0, 0))):
            j = (i + 1) % 4
            side = [base[i], base[j], top[j], top[i]]
            self.add(region, material, side, normal, layer=0)
        self.add(region, material, top, (0, 1, 0), layer=0)

    def build(self) -> Mesh:
        """Returns what was added."""
        table = np.array(self.rows, float).reshape(-1, 8)
        sizes = [len(points) for points in self.points]
        materials, regions, layers, kinds = table[:, 3:7].astype(np.int64).T
        return Mesh(
            np.concatenate([*self.points, np.zeros((0, 3))]),
            np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            table[:, :3], materials, regions, layers, kinds, table[:, 7],
        )  # fmt: skip


def joined(meshes: Sequence[Mesh]) -> Mesh:
    """Returns several meshes as one; later ones lie above earlier ones."""
    together = {
        column.name: np.concatenate([getattr(mesh, column.name) for mesh in meshes])
        for column in fields(Mesh)
    }
    starts, layers, points, above = [np.zeros(1, np.int64)], [], 0, 0
    for mesh in meshes:
        starts.append(mesh.starts[1:] + points)
        layers.append(np.where(mesh.layers > 0, mesh.layers + above, 0))
        points, above = points + len(mesh.points), above + len(mesh.layers)
    together |= {"starts": np.concatenate(starts), "layers": np.concatenate(layers)}
    return Mesh(**together)
