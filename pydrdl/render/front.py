"""What is on a vehicle's front: lamps, grille, bumper, badge."""

import numpy as np

from pydrdl.render.material import Stuff
from pydrdl.render.mesh import Builder, Kind, Part
from pydrdl.render.model import Front, Model
from pydrdl.render.patch import (
    Patch,
    Points,
    dense,
    ellipse,
    rectangle,
    rounded,
)
from pydrdl.render.shell import Shell

# Outlines in a box from -1 to 1, the outer side at 1.
LAMPS: dict[str, tuple[tuple[float, float], ...]] = {
    "box": ((-0.9, -1), (0.9, -1), (1, -0.8), (1, 0.8), (0.9, 1), (-0.9, 1),
            (-1, 0.8), (-1, -0.8)),
    "slant": ((-1, -0.8), (0.4, -1), (1, -0.3), (1, 0.8), (0.7, 1), (-0.8, 0.1)),
    "swept": ((-1, -0.9), (0.1, -0.95), (0.8, -0.2), (1, 1.2), (0.6, 1.1), (0.1, 0.4),
              (-0.9, -0.1)),
    "round": tuple((float(np.cos(a)), float(np.sin(a)))
                   for a in np.arange(12) * np.pi / 6),
    "slim": ((-1, -0.6), (1, -0.8), (1.05, 0.9), (-0.9, 0.3)),
    "drop": ((-1, -0.2), (-0.3, -1), (0.6, -1), (1, -0.3), (0.9, 0.7), (0.2, 1),
             (-0.6, 0.6)),
}  # fmt: skip


def add_front(mesh: Builder, model: Model, parts: Shell) -> None:
    """Adds the front's details, the nearer over the farther."""
    on, front = parts.front, model.front
    half, top = front.intake
    mesh.decal(Part.FRONT, Stuff.TRIM, on, dense([(-0.95, 0), (0.95, 0), (0.93, 0.05),
                                              (-0.93, 0.05)]))  # fmt: skip
    intake = rounded(0, (0.06 + top) / 2, half, (top - 0.06) / 2)
    mesh.decal(Part.FRONT, Stuff.DARK, on, dense(intake, 3))
    for v in np.linspace(0.06, top, 4)[1:-1]:
        mesh.stroke(
            Part.FRONT, Stuff.TRIM, on, [(-half * 0.9, v), (half * 0.9, v)], 0.012
        )
    mesh.stroke(
        Part.FRONT, Stuff.GAP, on, dense([(-0.97, 0.4), (0.97, 0.4)], 8)[:8], 0.008
    )
    _add_fogs(mesh, front, on)
    _add_grille(mesh, front, on)
    badge_at = (front.grille_box[1] + front.grille_box[2]) / 2
    add_badge(mesh, model.badge, Part.FRONT, on, badge_at, 0.06)
    for side in (-1, 1):
        _add_lamp(mesh, front, on, side)


def _add_fogs(mesh: Builder, front: Front, on: Patch) -> None:
    for side in (-1, 1):
        if front.fog == "round":
            for material, size in ((Stuff.TRIM, 0.075), (Stuff.LENS, 0.045)):
                lamp = on.metres(0.76 * side, 0.17, ellipse(0, 0, size, size))
                mesh.decal(Part.FRONT, material, on, lamp)
        elif front.fog == "slit":
            slit = np.array([(0.62, 0.13), (0.88, 0.16), (0.9, 0.25), (0.7, 0.2)])
            mesh.decal(Part.FRONT, Stuff.TRIM, on, slit * (side, 1))
            mesh.decal(
                Part.FRONT, Stuff.LENS, on, rectangle(0.8 * side, 0.19, 0.05, 0.02)
            )


def lamp_outline(
    kind: str, box: tuple[float, float, float, float], side: int
) -> Points:
    """Places a lamp's outline on a front or back, N x 2 of u and v."""
    inner, outer, low, high = box
    shape = np.array(LAMPS[kind]) / 2 + 0.5
    placed = np.array([inner, low]) + shape * (outer - inner, high - low)
    return np.asarray(placed * (side, 1))


def _add_lamp(mesh: Builder, front: Front, on: Patch, side: int) -> None:
    outline = lamp_outline(front.lamp, front.lamp_box, side)
    middle = outline.mean(axis=0)

    def scaled(size: float, shift: tuple[float, float] = (0, 0)) -> Points:
        return np.asarray(middle + shift + size * (outline - middle))

    mesh.decal(Part.FRONT, Stuff.DARK, on, dense(scaled(1.08), 2), Kind.POLYGON)
    mesh.decal(Part.FRONT, Stuff.LENS, on, dense(scaled(0.96), 2), Kind.POLYGON)
    mesh.decal(Part.FRONT, Stuff.REFLECTOR, on, scaled(0.8, (0, -0.015)), Kind.POLYGON)
    inner, outer, low, high = front.lamp_box
    radius = 0.32 * (high - low) * float(on.size_at(*middle)[1])
    spread = (outer - inner) * 0.26
    for k in range(front.bulbs):
        u = middle[0] + side * spread * (k - (front.bulbs - 1) / 2)
        for material, size in (
            (Stuff.CHROME, 1.0),
            (Stuff.DARK, 0.62),
            (Stuff.GLINT, 0.34),
        ):
            bulb = on.metres(
                u, middle[1], ellipse(0, 0, radius * size, radius * size, 10)
            )
            mesh.decal(Part.FRONT, material, on, bulb)
    if front.amber:
        corner = rounded(side * (outer - 0.05), middle[1], 0.035, 0.3 * (high - low))
        mesh.decal(Part.FRONT, Stuff.AMBER, on, corner)


def _add_grille(mesh: Builder, front: Front, on: Patch) -> None:
    half, low, high = front.grille_box
    middle, tall = (low + high) / 2, (high - low) / 2
    trim = Stuff.CHROME if front.chrome else Stuff.TRIM
    outlines: dict[str, tuple[Points, ...]] = {
        "kidneys": tuple(rounded(u, middle, 0.42 * half, tall)
                         for u in (-0.5 * half, 0.5 * half)),
        "wing": (np.array([(-half, high), (-0.75 * half, low), (0.75 * half, low),
                           (half, high)]),),
        "shield": (np.array([(-0.75 * half, high), (-0.9 * half, middle),
                             (-0.45 * half, low - 0.08), (0.45 * half, low - 0.08),
                             (0.9 * half, middle), (0.75 * half, high)]),),
    }  # fmt: skip
    shapes = outlines.get(front.grille, (rounded(0, middle, half, tall, 0.2),))
    for shape in shapes:
        centre = shape.mean(axis=0)
        mesh.decal(Part.FRONT, trim, on, dense(centre + (shape - centre) * 1.1, 2))
        mesh.decal(Part.FRONT, Stuff.DARK, on, dense(shape, 2))
    narrow = 0.86 if front.grille != "shield" else 0.7
    if front.grille in ("bars", "wing", "mesh", "shield"):
        for v in np.linspace(low, high, front.bars + 2)[1:-1]:
            bar = [(-narrow * half, v), (narrow * half, v)]
            mesh.stroke(Part.FRONT, trim, on, bar, 0.018)
    if front.grille in ("vertical", "mesh", "kidneys"):
        for u in np.linspace(-narrow * half, narrow * half, 2 * front.bars + 4):
            bar = [(u, low + 0.02), (u, high - 0.02)]
            mesh.stroke(Part.FRONT, trim, on, bar, 0.01)


def add_badge(
    mesh: Builder, kind: str, part: Part, on: Patch, v: float, radius: float
) -> None:
    """Adds the maker's badge."""
    shapes: dict[str, list[tuple[Stuff, Points]]] = {
        "disc": [(Stuff.CHROME, ellipse(0, 0, radius, radius)),
                 (Stuff.WHITE, ellipse(0, 0, 0.7 * radius, 0.7 * radius))],
        "ring": [(Stuff.CHROME, ellipse(0, 0, radius, 0.8 * radius)),
                 (Stuff.DARK, ellipse(0, 0, 0.66 * radius, 0.5 * radius))],
        "diamond": [(Stuff.CHROME, np.array([(0, -1.2), (0.8, 0), (0, 1.2), (-0.8, 0)])
                     * radius)],
        "bar": [(Stuff.CHROME, rectangle(0, 0, 1.5 * radius, 0.4 * radius))],
        "wings": [(Stuff.CHROME, np.array([(-2, 0.5), (0, -0.7), (2, 0.5), (0, 0.2)])
                   * radius)],
    }  # fmt: skip
    for material, shape in shapes[kind]:
        mesh.decal(part, material, on, on.metres(0, v, shape), Kind.POLYGON)
