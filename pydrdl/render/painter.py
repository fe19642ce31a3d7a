"""Paints a mesh from far to near."""

from collections.abc import Callable, Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from pydrdl.render.camera import Perspective
from pydrdl.render.light import Light, shade
from pydrdl.render.material import Palette
from pydrdl.render.mesh import BACK_ORDER, FRONT_ORDER, SIDE_ORDER, Kind, Mesh, Part
from pydrdl.render.patch import Points

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
