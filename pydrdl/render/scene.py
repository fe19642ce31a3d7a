"""Paints a mesh from far to near."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from pydrdl.render.camera import Perspective, View
from pydrdl.render.draws import pick
from pydrdl.render.material import Colour, Light, Palette, shade
from pydrdl.render.mesh import (
    BACK_ORDER,
    FRONT_ORDER,
    SIDE_ORDER,
    Kind,
    Mesh,
    Part,
    Points,
)

Pixels = NDArray[np.uint8]
Int = NDArray[np.int64]
PaintPane = Callable[[Part, NDArray[np.int32]], None]
SHIFT = 4  # OpenCV takes coordinates in 1/16 pixel
GRAZING = 0.04  # cosine below which the wheels would show past the corners
LARGEST = 1 << 19  # coordinate that OpenCV is given at most


def _ranks(order: tuple[Part, ...]) -> NDArray[np.int64]:
    """The place of each part in an order."""
    return np.argsort(np.array(order))


RANKS = {
    True: _ranks(FRONT_ORDER), False: _ranks(BACK_ORDER), None: _ranks(SIDE_ORDER)
}  # fmt: skip


def end_seen(view: Perspective, mesh: Mesh) -> bool | None:
    """Whether a camera looks at the front, the back or (None) from beside."""
    ahead = mesh.points[:, 2]
    if ahead.min() < view.position[2] < ahead.max():
        return None
    return bool(view.position[2] > ahead.max())


def paint_mesh(
    pixels: Pixels,
    mesh: Mesh,
    view: Perspective,
    colours: Palette,
    light: Light,
    front: bool | None,
    paint_pane: PaintPane,
) -> None:
    """Paints what of a mesh is seen.

    Args:
        pixels: height x width x 3, painted in place.
        mesh: a vehicle.
        view: of the camera.
        colours: of the mesh's materials.
        light: of the image.
        front: whether the front is seen, otherwise the back; None: from beside.
        paint_pane: paints a pane of glass and what is behind it, given its part
            and its outline in 1/16 pixels.
    """
    seen, towards, distance = _facing(mesh, view)
    ranks = RANKS[front][mesh.parts[seen]]
    if front is None:  # the body hides the farther mirror
        middle = mesh.points[:, 0].mean()
        far = (mesh.centres[seen, 0] - middle) * (view.position[0] - middle) < 0
        ranks = np.where(far & (mesh.parts[seen] == Part.MIRROR), -1, ranks)
    # Inside a part, layer 0 by distance, then the others in their order.
    above = np.where(mesh.layers[seen] > 0, mesh.layers[seen], -distance[seen])
    seen = seen[np.lexsort((above, ranks))]
    lit = shade(
        mesh.materials[seen], mesh.normals[seen], towards[seen], colours, light
    ).tolist()
    flat = to_fixed(view.project(mesh.points))
    widths = view.pixels(mesh.widths[seen], mesh.centres[seen])
    starts, ends = mesh.starts[seen].tolist(), mesh.starts[seen + 1].tolist()
    kinds, parts = mesh.kinds[seen].tolist(), mesh.parts[seen].tolist()
    for i, (start, end, kind) in enumerate(zip(starts, ends, kinds, strict=True)):
        shape = flat[start:end]
        if kind == Kind.CONVEX:
            cv2.fillConvexPoly(pixels, shape, lit[i], cv2.LINE_8, SHIFT)
        elif kind == Kind.POLYGON:
            cv2.fillPoly(pixels, [shape], lit[i], cv2.LINE_8, SHIFT)
        elif kind == Kind.LINE:
            thick = max(1, round(float(widths[i])))
            cv2.polylines(pixels, [shape], False, lit[i], thick, cv2.LINE_8, SHIFT)
        else:
            paint_pane(Part(parts[i]), shape)


def _facing(mesh: Mesh, view: Perspective) -> tuple[Int, Points, Points]:
    """Which elements face the camera, the way to it (E x 3) and how far (E)."""
    towards = view.position - mesh.centres
    distance = np.linalg.norm(towards, axis=1)
    towards = towards / distance[:, None]
    facing = (mesh.normals * towards).sum(axis=1)
    least = np.where(mesh.parts == Part.SIDE, GRAZING, 0.01)
    seen = np.flatnonzero((facing > least) | ~mesh.normals.any(axis=1))
    return seen, towards, np.asarray(distance)


def extent(mesh: Mesh, view: Perspective) -> Points:
    """Where a mesh is painted: left, top, right and bottom, pixels.

    Exact but for the ends of slanting lines.
    """
    seen = _facing(mesh, view)[0]
    sizes = np.diff(mesh.starts)[seen]
    owners = np.repeat(seen, sizes)
    first = np.repeat(np.cumsum(sizes) - sizes, sizes)
    points = mesh.starts[owners] + np.arange(len(owners)) - first
    flat = view.project(mesh.points[points])
    reach = view.pixels(mesh.widths, mesh.centres)[owners, None] / 2
    return np.concatenate([(flat - reach).min(axis=0), (flat + reach).max(axis=0)])


def to_fixed(flat: Points) -> NDArray[np.int32]:
    """Returns pixels as OpenCV takes them."""
    fixed = np.rint(flat * (1 << SHIFT))
    return np.clip(fixed, -LARGEST, LARGEST).astype(np.int32)


def fill(
    pixels: Pixels, view: Perspective, points: Points, colour: Iterable[float]
) -> None:
    """Paints one convex polygon of N x 3 points, whatever way it faces."""
    shape = to_fixed(view.project(points))
    cv2.fillConvexPoly(pixels, shape, tuple(colour), cv2.LINE_8, SHIFT)


# The road around a vehicle: asphalt, lane lines, verge, shadows.


# A rectangle on the ground: left, right, far and near in metres, and its colour.
Piece = tuple[float, float, float, float, Colour]
TILE = 1024  # pixels a side of the textures that are cut from
KERB: Colour = (165, 168, 170)
FAR, NEAR = -60.0, 8.0  # metres from the vehicle's near end along the road


@dataclass(frozen=True)
class Road:
    """What lies around a camera's lane.

    Attributes:
        grey: of the asphalt, 0 to 255.
        lane: width, metres.
        dashed: the lines to the right and to the left.
        edge: metres from the lane's middle to a verge; negative to the left.
        verge: its colour.
        crossing: metres from the vehicle to a zebra crossing; None without.
    """

    grey: float
    lane: float
    dashed: tuple[bool, bool]
    edge: float | None
    verge: Colour
    crossing: float | None


def draw_road(random: np.random.Generator, kind: int) -> Road:
    """Draws the road of an image, of one of six kinds."""
    side = -1 if kind % 2 else 1
    lane = 3.3 + 0.1 * kind
    edge = side * (lane / 2 + 0.5 + 0.2 * kind) if kind in (0, 1, 4) else None
    verge: Colour = ((62, 104, 84), (150, 154, 158), (120, 128, 130))[kind % 3]
    crossing = random.uniform(-9, 3) if kind in (3, 5) else None
    return Road(
        random.uniform(92, 140), lane, (kind != 2, kind not in (2, 5)), edge, verge,
        crossing,
    )  # fmt: skip


@lru_cache(maxsize=4)
def texture(number: int) -> NDArray[np.uint8]:
    """A tile of noise about 128: 0 asphalt, 1 fine grain, 2 clouds, 3 leaves."""
    random = np.random.Generator(np.random.Philox(number))
    if number == 1:
        fine = random.normal(128, 32, (TILE, TILE, 3))
        return np.clip(fine, 0, 255).astype(np.uint8)
    octaves = {0: ((4, 8.0), (24, 4.0), (300, 3.0), (1024, 4.0)),
               2: ((5, 34.0), (11, 22.0), (30, 9.0)),
               3: ((14, 40.0), (44, 34.0), (110, 22.0))}[number]  # fmt: skip
    total = np.full((TILE, TILE), 128, np.float32)
    for cells, strength in octaves:
        coarse = random.normal(0, strength, (cells, cells)).astype(np.float32)
        total += cv2.resize(coarse, (TILE, TILE), interpolation=cv2.INTER_CUBIC)
    return np.clip(total, 0, 255).astype(np.uint8)


def cut(
    random: np.random.Generator, number: int, height: int, width: int
) -> NDArray[np.uint8]:
    """Cuts a piece out of a texture, at random."""
    tile = texture(number)
    if max(height, width) > TILE:
        repeats = (height // TILE + 2, width // TILE + 2, *(1,) * (tile.ndim - 2))
        tile = np.tile(tile, repeats)
    y = int(random.integers(tile.shape[0] - height + 1))
    x = int(random.integers(tile.shape[1] - width + 1))
    return tile[y : y + height, x : x + width]


def paint_road(
    random: np.random.Generator, road: Road, view: View, light: Light, size: int
) -> Pixels:
    """Paints the road without the vehicle, size x size x 3."""
    bright = light.ambient + 0.75 * light.strength * max(light.sun[1], 0)
    grey = road.grey * bright
    slope = np.linspace(1.06, 0.94, size)[:, None]
    grain = cut(random, 0, size, size).astype(np.float32) - 128
    asphalt = np.clip((grey + grain) * slope, 0, 255).astype(np.uint8)
    pixels = cv2.cvtColor(asphalt, cv2.COLOR_GRAY2BGR)

    pieces = list(_verge(road)) + list(_lines(random, road))
    corners = [
        ((left, 0, far), (right, 0, far), (right, 0, near), (left, 0, near))
        for left, right, far, near, _ in pieces
    ]
    flat = to_fixed(view.project(view.place(np.reshape(corners, (-1, 3)))))
    for shape, (*_, colour) in zip(flat.reshape(-1, 4, 2), pieces, strict=True):
        if shape[:, 1].max() < 0 or shape[:, 1].min() >= size << SHIFT:
            continue
        lit = [min(255.0, channel * bright) for channel in colour]
        cv2.fillConvexPoly(pixels, shape, lit, cv2.LINE_AA, SHIFT)
    return np.asarray(pixels, np.uint8)


def _verge(road: Road) -> Iterator[Piece]:
    if road.edge is not None:
        outer = road.edge + np.copysign(30, road.edge)
        kerb = road.edge + np.copysign(0.25, road.edge)
        yield road.edge, outer, FAR, NEAR, road.verge
        yield road.edge, kerb, FAR, NEAR, KERB


def _lines(random: np.random.Generator, road: Road) -> Iterator[Piece]:
    """Lane lines, a crossing, and now and then something else."""
    wear = random.uniform(0.75, 1.0)
    white: Colour = (205 * wear, 208 * wear, 208 * wear)
    shift, phase = random.normal(0, 0.15), random.uniform(0, 6)
    for side, dashed in zip((1, -1), road.dashed, strict=True):
        for lane in (0.5, 1.5):
            x = shift + side * lane * road.lane
            if not dashed:
                yield x - 0.08, x + 0.08, FAR, NEAR, white
                continue
            for z in np.arange(FAR + phase, NEAR, 6.0):
                yield x - 0.08, x + 0.08, z, min(z + 2.5, NEAR), white
    if road.crossing is not None:
        for x in np.arange(-8, 8, 0.9):
            yield x, x + 0.45, road.crossing - 3, min(road.crossing, NEAR), white
    if random.random() < 0.25:  # what an arrow or a patch of new asphalt leaves
        x, z = random.uniform(-1.2, 1.0), random.uniform(-3, 3)
        dark = pick(random, (white, (70, 70, 70), (60, 62, 62)))
        yield x, x + random.uniform(0.2, 0.9), z, z + random.uniform(1, 3), dark


def paint_shadow(
    pixels: Pixels, view: Perspective, light: Light, half_width: float, length: float,
    outline: Points,
) -> None:  # fmt: skip
    """Darkens the road under a vehicle and on the side away from the sun."""
    height, width = pixels.shape[:2]
    to_small = max(height // 4, 16) / height
    mask = np.full((round(height * to_small), round(width * to_small)), 255, np.uint8)
    if light.strength > 0.15 and light.sun[1] > 0.1:
        fallen = outline - np.outer(outline[:, 1] / light.sun[1], light.sun)
        hull = cv2.convexHull((view.project(fallen) * to_small).astype(np.float32))
        shade = 255 * (1 - 0.75 * light.strength)
        cv2.fillConvexPoly(mask, to_fixed(hull[:, 0]), shade, cv2.LINE_AA, SHIFT)
    for reach, shade in ((0.22, 150.0), (0.05, 80.0)):
        x, z = half_width + reach, length / 2 + reach
        foot = np.array([(-x, 0, -z), (x, 0, -z), (x, 0, z), (-x, 0, z)])
        shape = to_fixed(view.project(foot) * to_small)
        cv2.fillConvexPoly(mask, shape, shade, cv2.LINE_AA, SHIFT)
    soft = cv2.blur(mask, (5, 5))
    large = cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR)
    cv2.multiply(pixels, cv2.cvtColor(large, cv2.COLOR_GRAY2BGR), pixels, 1 / 255)
