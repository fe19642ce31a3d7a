"""Licence plates, without characters and over everything else."""

from functools import lru_cache

from pydrdl.render.cargo import LAMPS_BELOW, box_floor
from pydrdl.render.material import Stuff
from pydrdl.render.mesh import Builder, Mesh, Part
from pydrdl.render.model import Model
from pydrdl.render.patch import Patch, rectangle
from pydrdl.render.shell import shell

HALF = (0.22, 0.07)  # width and height, metres
EDGE = 0.014


@lru_cache(maxsize=256)
def plates_mesh(model: Model) -> Mesh:
    """Builds a model's two plates."""
    mesh, parts = Builder(), shell(model.body)
    _add(mesh, Part.FRONT, parts.front, model.front.plate)
    if not model.body.cargo:
        _add(mesh, Part.BACK, parts.back, model.back.plate)
        return mesh.build()
    y, z = box_floor(model) - LAMPS_BELOW - 0.117, -model.body.length / 2
    for stuff, edge in ((Stuff.PLATE_EDGE, EDGE), (Stuff.PLATE, 0.0)):
        corners = rectangle(0, y, HALF[0] + edge, HALF[1] + edge)
        plate = [(x, height, z) for x, height in corners]
        mesh.add(Part.BACK, stuff, plate, (0, 0, -1))
    return mesh.build()


def _add(mesh: Builder, part: Part, on: Patch, v: float) -> None:
    for stuff, edge in ((Stuff.PLATE_EDGE, EDGE), (Stuff.PLATE, 0.0)):
        shape = rectangle(0, 0, HALF[0] + edge, HALF[1] + edge)
        mesh.decal(part, stuff, on, on.metres(0, v, shape))
