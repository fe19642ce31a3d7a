"""What a vehicle carries on its roof, or a pick-up in its bed."""

import numpy as np

from pydrdl.render.colour import Colour
from pydrdl.render.material import Stuff, further_row
from pydrdl.render.mesh import Builder, Kind, Part
from pydrdl.render.model import Model
from pydrdl.render.patch import Patch
from pydrdl.render.shell import Shell
from pydrdl.render.vehicle import Vehicle

# Each piece: middle u, half width u, near v, far v, height in metres, narrower
# towards its top by a share, which of the two colours (None: steel).
Piece = tuple[float, float, float, float, float, float, int | None]
PIECES: dict[str, tuple[Piece, ...]] = {
    "box": ((0.0, 0.62, 0.25, 0.85, 0.32, 0.2, 0),),
    "bags": (
        (-0.4, 0.34, 0.25, 0.6, 0.34, 0.35, 0),
        (0.38, 0.38, 0.3, 0.7, 0.26, 0.3, 1),
        (-0.3, 0.36, 0.65, 0.9, 0.24, 0.3, 1),
    ),
    "sign": (
        (0.0, 0.3, 0.3, 0.42, 0.2, 0.25, 0),
        (0.0, 0.38, 0.29, 0.43, 0.04, 0.0, 1),
    ),
    "rack": (
        (0.0, 0.86, 0.2, 0.24, 0.1, 0.0, None),
        (0.0, 0.86, 0.75, 0.79, 0.1, 0.0, None),
        (0.35, 0.36, 0.25, 0.72, 0.2, 0.1, 0),
    ),
    "crates": (
        (-0.45, 0.36, 0.2, 0.5, 0.25, 0.0, 0),
        (0.42, 0.36, 0.2, 0.5, 0.3, 0.0, 1),
        (0.0, 0.6, 0.55, 0.85, 0.22, 0.0, 0),
    ),
}


def add_load(
    mesh: Builder, model: Model, vehicle: Vehicle, parts: Shell,
    further: list[tuple[Colour, float]],
) -> None:  # fmt: skip
    """Adds the load, if there is one."""
    if vehicle.load is None:
        return
    rows = [further_row(further, colour) for colour in vehicle.load_colours]
    on, part = parts.roof, Part.LOAD
    if vehicle.load == "ladder":
        _add_ladder(mesh, on, rows)
        return
    if model.body.family == "pick-up" and vehicle.load in ("crates", "bags", "box"):
        on, part = parts.boot, Part.BED
    for u, half, near, far, height, shrink, which in PIECES[vehicle.load]:
        corners = on.at([(u - half, near), (u + half, far), (u + half, near)])
        low, high = corners.min(axis=0), corners.max(axis=0)
        material = Stuff.STEEL if which is None else rows[which]
        y = float(corners[:, 1].mean()) - 0.02
        mesh.box(part, material, (low[0], y, low[2]), (high[0], y + height, high[2]),
                 shrink=shrink)  # fmt: skip


def _add_ladder(mesh: Builder, on: Patch, rows: list[int]) -> None:
    up = np.array([0, 0.14, 0])
    for u in (-0.45, 0.15):
        rail = on.at([(u, 0.0), (u, 1.0)]) + up
        mesh.add(Part.LOAD, rows[0], rail, kind=Kind.LINE, width=0.06)
    for v in np.linspace(0.08, 0.92, 5):
        step = on.at([(-0.45, v), (0.15, v)]) + up
        mesh.add(Part.LOAD, rows[0], step, kind=Kind.LINE, width=0.06)
