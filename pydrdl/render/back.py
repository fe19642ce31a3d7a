"""What is on a vehicle's back: lamps, bumper, lid, trim, plate, exhausts."""

import numpy as np

from pydrdl.render.front import add_badge
from pydrdl.render.material import Stuff
from pydrdl.render.mesh import Builder, Kind, Part
from pydrdl.render.model import Back, Model
from pydrdl.render.patch import Patch, Points, dense, ellipse, rectangle, rounded
from pydrdl.render.shell import Shell


def add_back(mesh: Builder, model: Model, parts: Shell) -> None:
    """Adds the back's details, the nearer over the farther; not for trucks."""
    if model.body.cargo:
        return
    on, back = parts.back, model.back
    low = [(-0.94, 0), (0.94, 0), (0.92, 0.07), (-0.92, 0.07)]
    mesh.decal(Part.BACK, Stuff.TRIM, on, dense(low))
    for u in ((), (0.58,), (-0.58, 0.58))[back.exhausts]:
        for material, size in ((Stuff.CHROME, 1.0), (Stuff.DARK, 0.7)):
            pipe = on.metres(u, 0.05, ellipse(0, 0, 0.06 * size, 0.03 * size, 10))
            mesh.decal(Part.BACK, material, on, pipe)
    lid = [(-0.7, 0.99), (-0.66, 0.42), (0.66, 0.42), (0.7, 0.99)]
    mesh.stroke(Part.BACK, Stuff.GAP, on, lid, 0.01)
    bumper = np.stack([np.linspace(-0.97, 0.97, 9), np.full(9, 0.4)], axis=1)
    mesh.stroke(Part.BACK, Stuff.GAP, on, bumper, 0.008)
    recess = on.metres(0, back.plate, rounded(0, 0, 0.32, 0.11, 0.2))
    mesh.decal(Part.BACK, Stuff.GAP, on, recess)
    if back.trim != "none":
        material = Stuff.CHROME if back.trim == "chrome" else Stuff.TRIM
        strip = on.metres(0, 0.76, rectangle(0, 0, 0.34, 0.018))
        mesh.decal(Part.BACK, material, on, strip)
    add_badge(mesh, model.badge, Part.BACK, on, 0.88, 0.045)
    for side in (-1, 1):
        _add_lamp(mesh, back, on, side)
        reflector = rectangle(0.8 * side, 0.14, 0.08, 0.015)
        mesh.decal(Part.BACK, Stuff.RED, on, reflector)
    if model.body.boot < 0.2 and model.body.family != "bus":
        light = parts.window.metres(0, 0.97, rectangle(0, 0, 0.14, 0.02))
        mesh.decal(Part.WINDOW, Stuff.RED, parts.window, light)


def _outline(back: Back, side: int) -> Points:
    inner, outer, low, high = back.lamp_box
    across, middle = outer - inner, (low + high) / 2
    shapes: dict[str, Points] = {
        "block": rounded((inner + outer) / 2, middle, across / 2, (high - low) / 2),
        "tall": np.array([(0.8, low), (outer, low), (outer, 1), (0.86, 1),
                          (0.78, middle)]),
        "ell": np.array([(inner, high - 0.15), (0.8, high - 0.15), (0.82, low),
                         (outer, low), (outer, high), (inner, high)]),
        "round": ellipse((inner + outer) / 2 + 0.05, middle, across / 2.4,
                         (high - low) / 2),
        "wedge": np.array([(inner, high), (inner + 0.1, low + 0.05), (outer, low),
                           (outer, high)]),
        "band": rectangle((inner + outer) / 2, high - 0.06, across / 2, 0.08),
    }  # fmt: skip
    return np.asarray(shapes[back.lamp] * (side, 1))


def _add_lamp(mesh: Builder, back: Back, on: Patch, side: int) -> None:
    outline = _outline(back, side)
    middle = outline.mean(axis=0)
    if back.lamp == "band" and side == 1:
        v = middle[1]
        bridge = rectangle(0, v, back.lamp_box[0] + 0.02, 0.05)
        mesh.decal(Part.BACK, Stuff.RED, on, dense(bridge))
    kind = Kind.POLYGON
    around = middle + 1.06 * (outline - middle)
    mesh.decal(Part.BACK, Stuff.GAP, on, dense(around, 2), kind)
    mesh.decal(Part.BACK, Stuff.RED, on, dense(outline, 2), kind)
    half = np.ptp(outline, axis=0) / 2
    lit = rounded(middle[0], middle[1] + 0.3 * half[1], 0.5 * half[0], 0.35 * half[1])
    mesh.decal(Part.BACK, Stuff.RED_LIT, on, lit)
    white = rectangle(middle[0], middle[1] - 0.45 * half[1], 0.4 * half[0],
                      0.16 * half[1])  # fmt: skip
    mesh.decal(Part.BACK, Stuff.WHITE, on, white)
    amber = rectangle(middle[0], middle[1] - 0.12 * half[1], 0.4 * half[0],
                      0.13 * half[1])  # fmt: skip
    mesh.decal(Part.BACK, Stuff.AMBER, on, amber)


def add_lamp_bar(mesh: Builder, width: float, y: float, z: float) -> None:
    """Adds the low lamps, bar and plate of a truck's rear."""
    out = (0, 0, -1)

    def plane(x: float, half_x: float, low: float, high: float) -> list[list[float]]:
        return [[x - half_x, low, z], [x + half_x, low, z], [x + half_x, high, z],
                [x - half_x, high, z]]  # fmt: skip

    mesh.add(Part.BACK, Stuff.DARK, plane(0, width / 2, y - 0.34, y), out)
    mesh.add(Part.BACK, Stuff.STEEL, plane(0, width / 2, y - 0.3, y - 0.2), out)
    for side in (-1, 1):
        x = side * (width / 2 - 0.22)
        mesh.add(Part.BACK, Stuff.RED, plane(x, 0.17, y - 0.19, y - 0.06), out)
        mesh.add(
            Part.BACK, Stuff.AMBER, plane(x + side * 0.1, 0.05, y - 0.18, y - 0.07), out
        )
        lit = plane(x - side * 0.06, 0.05, y - 0.17, y - 0.08)
        mesh.add(Part.BACK, Stuff.RED_LIT, lit, out)
