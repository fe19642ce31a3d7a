"""What is on a vehicle's front and back: lamps, grille, bumpers, badge, load space."""

from itertools import pairwise

import numpy as np

from pydrdl.render.body import SIDES, Shell, box_floor
from pydrdl.render.mesh import (
    Builder,
    Kind,
    Patch,
    Points,
    Region,
    Stuff,
    dense,
    ellipse,
    rectangle,
    rounded,
)
from pydrdl.render.model import Back, Front, VehicleModel

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
BELOW_BOX = 0.02  # metres between a truck's box and its lamps


def add_front(mesh: Builder, model: VehicleModel, on: Patch) -> None:
    """Adds the front's details, the nearer over the farther."""
    front = model.front
    half, top = front.intake
    lip = [(-0.95, 0), (0.95, 0), (0.93, 0.05), (-0.93, 0.05)]
    mesh.decal(on, Stuff.TRIM, dense(lip))
    intake = rounded(0, (0.06 + top) / 2, half, (top - 0.06) / 2)
    mesh.decal(on, Stuff.DARK, dense(intake, 3))
    for v in np.linspace(0.06, top, 4)[1:-1]:
        bar = [(-half * 0.9, v), (half * 0.9, v)]
        mesh.stroke(on, Stuff.TRIM, bar, 0.012)
    bumper = dense([(-0.97, 0.4), (0.97, 0.4)], 8)[:8]
    mesh.stroke(on, Stuff.GAP, bumper, 0.008)
    for side in SIDES:
        _add_fog_lamp(mesh, front, on, side)
    _add_grille(mesh, front, on)
    badge_at = (front.grille_box[1] + front.grille_box[2]) / 2
    _add_badge(mesh, model.badge, on, badge_at, 0.06)
    for side in SIDES:
        _add_lamp(mesh, front, on, side)


def _add_fog_lamp(mesh: Builder, front: Front, on: Patch, side: int) -> None:
    if front.fog == "round":
        for material, size in ((Stuff.TRIM, 0.075), (Stuff.LENS, 0.045)):
            lamp = on.metres(0.76 * side, 0.17, ellipse(0, 0, size, size))
            mesh.decal(on, material, lamp)
    elif front.fog == "slit":
        slit = np.array([(0.62, 0.13), (0.88, 0.16), (0.9, 0.25), (0.7, 0.2)])
        mesh.decal(on, Stuff.TRIM, slit * (side, 1))
        lamp = rectangle(0.8 * side, 0.19, 0.05, 0.02)
        mesh.decal(on, Stuff.LENS, lamp)


def _add_lamp(mesh: Builder, front: Front, on: Patch, side: int) -> None:
    inner, outer, low, high = front.lamp_box
    shape = np.array(LAMPS[front.lamp]) / 2 + 0.5
    outline = np.array([inner, low]) + shape * (outer - inner, high - low)
    outline = outline * (side, 1)
    middle = outline.mean(axis=0)

    def scaled(size: float, shift: tuple[float, float] = (0, 0)) -> Points:
        return np.asarray(middle + shift + size * (outline - middle))

    for material, lens in (
        (Stuff.DARK, dense(scaled(1.08), 2)), (Stuff.LENS, dense(scaled(0.96), 2)),
        (Stuff.REFLECTOR, scaled(0.8, (0, -0.015))),
    ):  # fmt: skip
        mesh.decal(on, material, lens, Kind.POLYGON)
    radius = 0.32 * (high - low) * float(on.size_at(*middle)[1])
    spread = (outer - inner) * 0.26
    for k in range(front.bulbs):
        u = middle[0] + side * spread * (k - (front.bulbs - 1) / 2)
        for material, share in (
            (Stuff.CHROME, 1.0), (Stuff.DARK, 0.62), (Stuff.GLINT, 0.34)
        ):  # fmt: skip
            disc = ellipse(0, 0, radius * share, radius * share, 10)
            mesh.decal(on, material, on.metres(u, middle[1], disc))
    if front.amber:
        corner = rounded(side * (outer - 0.05), middle[1], 0.035, 0.3 * (high - low))
        mesh.decal(on, Stuff.AMBER, corner)


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
    for shape in outlines.get(front.grille, (rounded(0, middle, half, tall, 0.2),)):
        centre = shape.mean(axis=0)
        rim = dense(centre + (shape - centre) * 1.1, 2)
        mesh.decal(on, trim, rim)
        mesh.decal(on, Stuff.DARK, dense(shape, 2))
    narrow = 0.86 if front.grille != "shield" else 0.7
    if front.grille in ("bars", "wing", "mesh", "shield"):
        for v in np.linspace(low, high, front.bars + 2)[1:-1]:
            bar = [(-narrow * half, v), (narrow * half, v)]
            mesh.stroke(on, trim, bar, 0.018)
    if front.grille in ("vertical", "mesh", "kidneys"):
        for u in np.linspace(-narrow * half, narrow * half, 2 * front.bars + 4):
            bar = [(u, low + 0.02), (u, high - 0.02)]
            mesh.stroke(on, trim, bar, 0.01)


def _add_badge(mesh: Builder, kind: str, on: Patch, v: float, radius: float) -> None:
    """Adds the maker's badge."""
    diamond = np.array([(0, -1.2), (0.8, 0), (0, 1.2), (-0.8, 0)])
    wings = np.array([(-2, 0.5), (0, -0.7), (2, 0.5), (0, 0.2)])
    shapes: dict[str, list[tuple[Stuff, Points]]] = {
        "disc": [(Stuff.CHROME, ellipse(0, 0, radius, radius)),
                 (Stuff.WHITE, ellipse(0, 0, 0.7 * radius, 0.7 * radius))],
        "ring": [(Stuff.CHROME, ellipse(0, 0, radius, 0.8 * radius)),
                 (Stuff.DARK, ellipse(0, 0, 0.66 * radius, 0.5 * radius))],
        "diamond": [(Stuff.CHROME, diamond * radius)],
        "bar": [(Stuff.CHROME, rectangle(0, 0, 1.5 * radius, 0.4 * radius))],
        "wings": [(Stuff.CHROME, wings * radius)],
    }  # fmt: skip
    for material, shape in shapes[kind]:
        mesh.decal(on, material, on.metres(0, v, shape), Kind.POLYGON)


def add_back(mesh: Builder, model: VehicleModel, parts: Shell) -> None:
    """Adds the back's details, the nearer over the farther; not for trucks."""
    on, back = parts.back, model.back
    low = [(-0.94, 0), (0.94, 0), (0.92, 0.07), (-0.92, 0.07)]
    mesh.decal(on, Stuff.TRIM, dense(low))
    for u in ((), (0.58,), (-0.58, 0.58))[back.exhausts]:
        for material, size in ((Stuff.CHROME, 1.0), (Stuff.DARK, 0.7)):
            pipe = on.metres(u, 0.05, ellipse(0, 0, 0.06 * size, 0.03 * size, 10))
            mesh.decal(on, material, pipe)
    lid = [(-0.7, 0.99), (-0.66, 0.42), (0.66, 0.42), (0.7, 0.99)]
    mesh.stroke(on, Stuff.GAP, lid, 0.01)
    bumper = np.stack([np.linspace(-0.97, 0.97, 9), np.full(9, 0.4)], axis=1)
    mesh.stroke(on, Stuff.GAP, bumper, 0.008)
    recess = on.metres(0, back.plate, rounded(0, 0, 0.32, 0.11, 0.2))
    mesh.decal(on, Stuff.GAP, recess)
    if back.trim != "none":
        material = Stuff.CHROME if back.trim == "chrome" else Stuff.TRIM
        strip = on.metres(0, 0.76, rectangle(0, 0, 0.34, 0.018))
        mesh.decal(on, material, strip)
    _add_badge(mesh, model.badge, on, 0.88, 0.045)
    for side in SIDES:
        _add_back_lamp(mesh, back, on, side)
        reflector = rectangle(0.8 * side, 0.14, 0.08, 0.015)
        mesh.decal(on, Stuff.RED, reflector)
    if model.body.boot < 0.2 and model.body.family != "bus":
        light = parts.window.metres(0, 0.97, rectangle(0, 0, 0.14, 0.02))
        mesh.decal(parts.window, Stuff.RED, light)


def _back_outline(back: Back, side: int) -> Points:
    inner, outer, low, high = back.lamp_box
    across, centre, middle = outer - inner, (inner + outer) / 2, (low + high) / 2
    shapes: dict[str, Points] = {
        "block": rounded(centre, middle, across / 2, (high - low) / 2),
        "tall": np.array([(0.8, low), (outer, low), (outer, 1), (0.86, 1),
                          (0.78, middle)]),
        "ell": np.array([(inner, high - 0.15), (0.8, high - 0.15), (0.82, low),
                         (outer, low), (outer, high), (inner, high)]),
        "round": ellipse(centre + 0.05, middle, across / 2.4, (high - low) / 2),
        "wedge": np.array([(inner, high), (inner + 0.1, low + 0.05), (outer, low),
                           (outer, high)]),
        "band": rectangle(centre, high - 0.06, across / 2, 0.08),
    }  # fmt: skip
    return np.asarray(shapes[back.lamp] * (side, 1))


def _add_back_lamp(mesh: Builder, back: Back, on: Patch, side: int) -> None:
    outline = _back_outline(back, side)
    u, v = middle = outline.mean(axis=0)
    if back.lamp == "band" and side == 1:
        bridge = rectangle(0, v, back.lamp_box[0] + 0.02, 0.05)
        mesh.decal(on, Stuff.RED, dense(bridge))
    around = middle + 1.06 * (outline - middle)
    mesh.decal(on, Stuff.GAP, dense(around, 2), Kind.POLYGON)
    mesh.decal(on, Stuff.RED, dense(outline, 2), Kind.POLYGON)
    half_u, half_v = np.ptp(outline, axis=0) / 2
    lit = rounded(u, v + 0.3 * half_v, 0.5 * half_u, 0.35 * half_v)
    mesh.decal(on, Stuff.RED_LIT, lit)
    white = rectangle(u, v - 0.45 * half_v, 0.4 * half_u, 0.16 * half_v)
    mesh.decal(on, Stuff.WHITE, white)
    amber = rectangle(u, v - 0.12 * half_v, 0.4 * half_u, 0.13 * half_v)
    mesh.decal(on, Stuff.AMBER, amber)


def add_cargo(mesh: Builder, model: VehicleModel, panel: Patch) -> None:
    """Adds a truck's box behind the cab, its doors, and the lamps below it."""
    body = model.body
    half, rear, top = body.width / 2 + 0.04, -body.length / 2, body.cargo_height
    low = box_floor(body)
    near = rear + body.cargo - 0.08
    # In strips, so that long walls catch the light in more than one shade.
    for z0, z1 in pairwise(np.linspace(rear, near, 5).tolist()):
        for side in SIDES:
            x = side * half
            wall = [(x, low, z0), (x, low, z1), (x, top, z1), (x, top, z0)]
            mesh.add(Region.CARGO, Stuff.CARGO, wall, (side, 0, 0), layer=0)
        lid = [(-half, top, z0), (half, top, z0), (half, top, z1), (-half, top, z1)]
        mesh.add(Region.CARGO, Stuff.CARGO, lid, (0, 1, 0), layer=0)
    face = _upright(0, half, low, top, near)
    mesh.add(Region.CARGO, Stuff.CARGO, face, (0, 0, 1), layer=0)
    mesh.surface(panel, Stuff.CARGO, 4, 4)
    # Posts of the side walls, or the folds of a tarpaulin.
    count = {"box": 3, "tarpaulin": 7, "stakes": 6}[model.cargo]
    width = 0.09 if model.cargo == "stakes" else 0.03
    material = Stuff.STEEL if model.cargo != "tarpaulin" else Stuff.GAP
    for z in np.linspace(rear + 0.1, near - 0.1, count):
        a, b = z - width / 2, z + width / 2
        for side in SIDES:
            x = side * (half + 0.005)
            post = [(x, low, a), (x, low, b), (x, top, b), (x, top, a)]
            mesh.add(Region.CARGO, material, post, (side, 0, 0))
    z = near + 0.01
    edge = [(-half, top, z), (half, top, z), (half, top - 0.07, z),
            (-half, top - 0.07, z)]  # fmt: skip
    mesh.add(Region.CARGO, Stuff.STEEL, edge, (0, 0, 1))
    _add_doors(mesh, model.cargo, panel)
    _add_lamp_bar(mesh, body.width, low - BELOW_BOX, rear)


def _upright(
    x: float, half_x: float, low: float, high: float, z: float
) -> list[tuple[float, float, float]]:
    """A rectangle across the vehicle."""
    a, b = x - half_x, x + half_x
    return [(a, low, z), (b, low, z), (b, high, z), (a, high, z)]


def _add_doors(mesh: Builder, cargo: str, on: Patch) -> None:
    frame = [(-0.97, 0.02), (0.97, 0.02), (0.97, 0.98), (-0.97, 0.98), (-0.97, 0.02)]
    mesh.stroke(on, Stuff.STEEL, frame, 0.05)
    if cargo == "stakes":
        for v in (0.3, 0.45, 0.6, 0.75):
            mesh.stroke(on, Stuff.STEEL, [(-0.95, v), (0.95, v)], 0.04)
        return
    mesh.stroke(on, Stuff.GAP, [(0, 0.02), (0, 0.98)], 0.02)
    for u in (-0.3, 0.3):
        mesh.stroke(on, Stuff.STEEL, [(u, 0.03), (u, 0.97)], 0.025)
    for u in (-0.93, 0.93):
        for v in (0.2, 0.5, 0.8):
            hinge = [(u - 0.05, v), (u + 0.05, v)]
            mesh.stroke(on, Stuff.STEEL, hinge, 0.03)


def _add_lamp_bar(mesh: Builder, width: float, y: float, z: float) -> None:
    """Adds the low lamps and the bar of a truck's rear."""

    def plate(stuff: Stuff, x: float, half_x: float, low: float, high: float) -> None:
        mesh.add(Region.BACK, stuff, _upright(x, half_x, low, high, z), (0, 0, -1))

    plate(Stuff.DARK, 0, width / 2, y - 0.34, y)
    plate(Stuff.STEEL, 0, width / 2, y - 0.3, y - 0.2)
    for side in SIDES:
        x = side * (width / 2 - 0.22)
        plate(Stuff.RED, x, 0.17, y - 0.19, y - 0.06)
        plate(Stuff.AMBER, x + side * 0.1, 0.05, y - 0.18, y - 0.07)
        plate(Stuff.RED_LIT, x - side * 0.06, 0.05, y - 0.17, y - 0.08)


def add_bed(mesh: Builder, on: Patch) -> None:
    """Adds the open bed of a pick-up: its dark floor inside a painted rim."""
    inner = [(-0.84, 0.05), (0.84, 0.05), (0.84, 0.95), (-0.84, 0.95)]
    mesh.decal(on, Stuff.TRIM, dense(inner))
    floor = [(-0.8, 0.2), (0.8, 0.2), (0.8, 0.93), (-0.8, 0.93)]
    mesh.decal(on, Stuff.DARK, dense(floor))
    for u in (-0.5, 0, 0.5):
        mesh.stroke(on, Stuff.TRIM, [(u, 0.22), (u, 0.9)], 0.03)


PLATE = (0.22, 0.07)  # half width and half height, metres
PLATE_EDGE = 0.014


def add_plates(mesh: Builder, model: VehicleModel, on: Shell) -> None:
    """Adds the two licence plates, which are blank."""
    body = model.body
    for stuff, edge in ((Stuff.PLATE_EDGE, PLATE_EDGE), (Stuff.PLATE, 0.0)):
        shape = rectangle(0, 0, PLATE[0] + edge, PLATE[1] + edge)
        front = on.front.metres(0, model.front.plate, shape)
        mesh.decal(on.front, stuff, front)
        if not body.cargo:
            back = on.back.metres(0, model.back.plate, shape)
            mesh.decal(on.back, stuff, back)
            continue
        y, z = box_floor(body) - BELOW_BOX - 0.117, -body.length / 2
        shape = rectangle(0, y, PLATE[0] + edge, PLATE[1] + edge)
        plate = [(x, height, z) for x, height in shape]
        mesh.add(Region.BACK, stuff, plate, (0, 0, -1))
