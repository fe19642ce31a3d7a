"""What is on a vehicle's front: lamps, grille, bumper, badge."""

from itertools import pairwise

import numpy as np

from pydrdl.render.material import Stuff
from pydrdl.render.mesh import (
    Builder,
    Kind,
    Part,
    Patch,
    Points,
    dense,
    ellipse,
    rectangle,
    rounded,
)
from pydrdl.render.model import Back, Front, Model
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


# What is on a vehicle's back: lamps, bumper, lid, trim, plate, exhausts.


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
        _add_back_lamp(mesh, back, on, side)
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


def _add_back_lamp(mesh: Builder, back: Back, on: Patch, side: int) -> None:
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


# What carries the load: a truck's box or bed, a pick-up's bed.


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
