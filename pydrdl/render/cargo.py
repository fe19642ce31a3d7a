"""What carries the load: a truck's box or bed, a pick-up's bed."""

from itertools import pairwise

import numpy as np

from pydrdl.render.back import add_lamp_bar
from pydrdl.render.material import Stuff
from pydrdl.render.mesh import Builder, Part
from pydrdl.render.model import Model
from pydrdl.render.patch import dense
from pydrdl.render.shell import Shell

LAMPS_BELOW = 0.02  # metres between a truck's box and its lamps


def box_floor(model: Model) -> float:
    """Height of a truck's box above the road, metres."""
    return model.body.sill + 0.35


def add_cargo(mesh: Builder, model: Model, parts: Shell) -> None:
    """Adds a truck's box behind the cab, its doors, and the lamps below it."""
    body = model.body
    half, rear, top = body.width / 2 + 0.04, -body.length / 2, body.cargo_height
    low = box_floor(model)
    near = rear + body.cargo - 0.08
    # In strips, so that long walls catch the light in more than one shade.
    for z0, z1 in pairwise(np.linspace(rear, near, 5).tolist()):
        for side in (-1, 1):
            x = side * half
            wall = [(x, low, z0), (x, low, z1), (x, top, z1), (x, top, z0)]
            mesh.add(Part.CARGO, Stuff.CARGO, wall, (side, 0, 0), layer=0)
        lid = [(-half, top, z0), (half, top, z0), (half, top, z1), (-half, top, z1)]
        mesh.add(Part.CARGO, Stuff.CARGO, lid, (0, 1, 0), layer=0)
    face = [(-half, low, near), (half, low, near), (half, top, near),
            (-half, top, near)]  # fmt: skip
    mesh.add(Part.CARGO, Stuff.CARGO, face, (0, 0, 1), layer=0)
    mesh.surface(Part.BACK, Stuff.CARGO, parts.panel, 4, 4)
    _add_ribs(mesh, model, half, low, near, rear)
    _add_doors(mesh, model, parts)
    add_lamp_bar(mesh, body.width, low - LAMPS_BELOW, rear)


def _add_ribs(
    mesh: Builder, model: Model, half: float, low: float, near: float, rear: float
) -> None:
    """Posts of the side walls, or the folds of a tarpaulin."""
    count = {"box": 3, "tarpaulin": 7, "stakes": 6}[model.cargo]
    width = 0.09 if model.cargo == "stakes" else 0.03
    top = model.body.cargo_height
    for z in np.linspace(rear + 0.1, near - 0.1, count):
        for side in (-1, 1):
            x = side * (half + 0.005)
            post = [(x, low, z - width / 2), (x, low, z + width / 2),
                    (x, top, z + width / 2), (x, top, z - width / 2)]  # fmt: skip
            material = Stuff.STEEL if model.cargo != "tarpaulin" else Stuff.GAP
            mesh.add(Part.CARGO, material, post, (side, 0, 0))
    z = near + 0.01
    edge = [(-half, top, z), (half, top, z), (half, top - 0.07, z),
            (-half, top - 0.07, z)]  # fmt: skip
    mesh.add(Part.CARGO, Stuff.STEEL, edge, (0, 0, 1))


def _add_doors(mesh: Builder, model: Model, parts: Shell) -> None:
    on = parts.panel
    frame = [(-0.97, 0.02), (0.97, 0.02), (0.97, 0.98), (-0.97, 0.98), (-0.97, 0.02)]
    mesh.stroke(Part.BACK, Stuff.STEEL, on, frame, 0.05)
    if model.cargo == "stakes":
        for v in (0.3, 0.45, 0.6, 0.75):
            mesh.stroke(Part.BACK, Stuff.STEEL, on, [(-0.95, v), (0.95, v)], 0.04)
        return
    mesh.stroke(Part.BACK, Stuff.GAP, on, [(0, 0.02), (0, 0.98)], 0.02)
    for u in (-0.3, 0.3):
        mesh.stroke(Part.BACK, Stuff.STEEL, on, [(u, 0.03), (u, 0.97)], 0.025)
    for u in (-0.93, 0.93):
        for v in (0.2, 0.5, 0.8):
            hinge = [(u - 0.05, v), (u + 0.05, v)]
            mesh.stroke(Part.BACK, Stuff.STEEL, on, hinge, 0.03)


def add_bed(mesh: Builder, model: Model, parts: Shell) -> None:
    """Adds the open bed of a pick-up: its dark floor inside a painted rim."""
    on = parts.boot
    inner = [(-0.84, 0.05), (0.84, 0.05), (0.84, 0.95), (-0.84, 0.95)]
    mesh.decal(Part.BOOT, Stuff.TRIM, on, dense(inner))
    floor = [(-0.8, 0.2), (0.8, 0.2), (0.8, 0.93), (-0.8, 0.93)]
    mesh.decal(Part.BOOT, Stuff.DARK, on, dense(floor))
    for u in (-0.5, 0, 0.5):
        mesh.stroke(Part.BOOT, Stuff.TRIM, on, [(u, 0.22), (u, 0.9)], 0.03)
