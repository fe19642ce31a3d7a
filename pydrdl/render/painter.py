"""Paints a mesh from far to near."""

from collections.abc import Callable, Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from pydrdl.render.camera import View
from pydrdl.render.light import Light, shade
from pydrdl.render.material import Palette
from pydrdl.render.mesh import BACK_ORDER, FRONT_ORDER, Kind, Mesh, Part
from pydrdl.render.patch import Points

Pixels = NDArray[np.uint8]
PaintPane = Callable[[Part, NDArray[np.int32]], None]
SHIFT = 4  # OpenCV takes coordinates in 1/16 pixel
GRAZING = 0.04  # cosine below which the wheels would show past the corners
LARGEST = 1 << 19  # coordinate that OpenCV is given at most


def _ranks(order: tuple[Part, ...]) -> NDArray[np.int64]:
    """The place of each part in an order."""
    return np.argsort(np.array(order))


RANKS = {True: _ranks(FRONT_ORDER), False: _ranks(BACK_ORDER)}


def paint_mesh(
    pixels: Pixels,
    mesh: Mesh,
    view: View,
    colours: Palette,
    light: Light,
    front: bool,
    paint_pane: PaintPane,
) -> None:
    """Paints what of a mesh is seen.

    Args:
        pixels: height x width x 3, painted in place.
        mesh: a vehicle.
        view: of the camera.
        colours: of the mesh's materials.
        light: of the image.
        front: whether the front is seen, otherwise the back.
        paint_pane: paints a pane of glass and what is behind it, given its part
            and its outline in 1/16 pixels.
    """
    towards = view.position - mesh.centres
    distance = np.linalg.norm(towards, axis=1)
    towards = towards / distance[:, None]
    facing = (mesh.normals * towards).sum(axis=1)
    least = np.where(mesh.parts == Part.SIDE, GRAZING, 0.01)
    seen = np.flatnonzero((facing > least) | ~mesh.normals.any(axis=1))
    ranks = RANKS[front][mesh.parts[seen]]
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


def to_fixed(flat: Points) -> NDArray[np.int32]:
    """Returns pixels as OpenCV takes them."""
    fixed = np.rint(flat * (1 << SHIFT))
    return np.clip(fixed, -LARGEST, LARGEST).astype(np.int32)


def fill(pixels: Pixels, view: View, points: Points, colour: Iterable[float]) -> None:
    """Paints one convex polygon of N x 3 points, whatever way it faces."""
    shape = to_fixed(view.project(points))
    cv2.fillConvexPoly(pixels, shape, tuple(colour), cv2.LINE_8, SHIFT)
