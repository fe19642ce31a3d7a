"""What a vehicle carries on its roof, or a pick-up in its bed."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pydrdl.render.body import body_mesh, plates_mesh
from pydrdl.render.cabin import cabin_mesh
from pydrdl.render.material import Colour, Palette, Stuff, further_row, palette, shaded
from pydrdl.render.mesh import (
    Builder,
    Kind,
    Mesh,
    Part,
    Patch,
    Points,
    dense,
    ellipse,
    joined,
    rectangle,
)
from pydrdl.render.model import Model
from pydrdl.render.shell import Shell, shell
from pydrdl.render.vehicle import Mark, Vehicle

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


# Puts a vehicle's marks into the 3D of its model.


Further = list[tuple[Colour, float]]


@dataclass(frozen=True)
class Specimen:
    """A vehicle in 3D.

    Attributes:
        mesh: its outside.
        behind: what is behind the windscreen and the rear window.
        colours: of all their materials.
        outline: N x 3 that vehicle and load fill.
    """

    mesh: Mesh
    behind: dict[Part, Mesh]
    colours: Palette
    outline: Points


@lru_cache(maxsize=16)
def specimen(model: Model, vehicle: Vehicle) -> Specimen:
    """Builds a vehicle of a model."""
    parts, own, further = shell(model.body), Builder(), Further()
    stripes, load = Builder(), Builder()
    _add_stripes(stripes, model, vehicle, parts, further)
    if vehicle.sun_strip is not None:
        strip = dense([(-0.9, 0.84), (0.9, 0.84), (0.89, 0.93), (-0.89, 0.93)])
        row = further_row(further, shaded(vehicle.sun_strip, 0.8))
        own.decal(Part.SCREEN, row, parts.screen, strip)
    for mark in vehicle.marks:
        _add_mark(own, model, vehicle, mark, parts, further)
    _add_ribbons(own, model, vehicle, further)
    _add_cover(own, model, vehicle, parts, further)
    add_load(load, model, vehicle, parts, further)
    loaded = load.build()
    behind = {
        part: joined([cabin_mesh(model, front),
                      _things(model, vehicle, parts, further, front)])
        for part, front in ((Part.SCREEN, True), (Part.WINDOW, False))
    }  # fmt: skip
    painted = {
        Stuff.LOWER: vehicle.lower, Stuff.TOP: vehicle.top,
        Stuff.BONNET: vehicle.bonnet, Stuff.BUMPER: vehicle.bumper,
        Stuff.MIRROR: vehicle.mirrors,
    }  # fmt: skip
    listed = {part: (colour, 0.5) for part, colour in painted.items() if colour}
    dark = shaded(vehicle.paint, 0.4)
    listed |= {Stuff.PLATE: (vehicle.plate, 0.1), Stuff.CARGO: (vehicle.cargo, 0.2),
               Stuff.GAP: (dark, 0.0)}  # fmt: skip
    return Specimen(
        # Stripes lie under lamps and grille, plates over all marks.
        joined([stripes.build(), body_mesh(model), own.build(), loaded,
                plates_mesh(model)]), behind,
        palette(listed, vehicle.paint, further),
        np.concatenate([parts.outline, loaded.points]),
    )  # fmt: skip


def _surface(model: Model, mark: Mark, parts: Shell) -> tuple[Part, Patch] | None:
    """Where a mark is; None where the model has no such surface."""
    truck = bool(model.body.cargo)
    surfaces: dict[str, tuple[Part, Patch] | None] = {
        "screen": (Part.SCREEN, parts.screen), "front": (Part.FRONT, parts.front),
        "bonnet": (Part.BONNET, parts.bonnet) if model.body.bonnet > 0.3 else None,
        # A truck's box takes what others have on rear window and lid.
        "window": (Part.BACK, parts.panel) if truck else (Part.WINDOW, parts.window),
        "back": (Part.BACK, parts.panel),
    }  # fmt: skip
    return surfaces[mark.where]


def _add_mark(
    mesh: Builder,
    model: Model,
    vehicle: Vehicle,
    mark: Mark,
    parts: Shell,
    further: Further,
) -> None:
    surface = _surface(model, mark, parts)
    if surface is None:
        return
    part, on = surface
    w, h = mark.half_width, mark.half_height
    if model.body.family in ("truck", "bus"):  # larger sheets on larger glass
        w, h = 1.5 * w, 1.5 * h
    dent = mark.kind == "dent"
    colour = shaded(vehicle.paint, 0.6) if dent else mark.colour
    row = further_row(further, colour)
    if mark.kind == "scratch":
        for shift in (-0.05, 0.0, 0.04):
            stroke = on.metres(mark.u, mark.v, [(-w, shift - h), (w, shift + h)])
            mesh.stroke(part, row, on, stroke, 0.014)
        return
    if mark.kind == "dent":
        lit = further_row(further, shaded(vehicle.paint, 1.08), 0.4)
        mesh.decal(part, row, on, on.metres(mark.u, mark.v, ellipse(0, 0, w, h)))
        upper = ellipse(0, 0.3 * h, 0.8 * w, 0.5 * h)
        mesh.decal(part, lit, on, on.metres(mark.u, mark.v, upper))
        return
    shape = ellipse(0, 0, w, h) if mark.kind == "disc" else rectangle(0, 0, w, h)
    mesh.decal(part, row, on, on.metres(mark.u, mark.v, shape))
    second = further_row(further, mark.second)
    if mark.kind == "label":
        inner = rectangle(0, 0.25 * h, 0.62 * w, 0.35 * h)
    elif mark.kind == "disc":
        inner = ellipse(0, 0, 0.5 * w, 0.5 * h)
    elif mark.kind == "letters":
        inner = rectangle(0, 0, 0.8 * w, 0.3 * h)
    else:
        return
    mesh.decal(part, second, on, on.metres(mark.u, mark.v, inner))


def _add_stripes(
    mesh: Builder, model: Model, vehicle: Vehicle, parts: Shell, further: Further
) -> None:
    if vehicle.stripe is not None:
        u, half, colour, doubled = vehicle.stripe
        row = further_row(further, colour, 0.4)
        places = [(Part.ROOF, parts.roof), (Part.BONNET, parts.bonnet),
                  (Part.FRONT, parts.front), (Part.BOOT, parts.boot)]  # fmt: skip
        if model.body.family == "pick-up":
            places.pop()
        places.append((Part.BACK, parts.panel))
        for part, on in places:
            share = half / float(on.size_at(u, 0.5)[0])
            for middle in (u - 1.3 * share, u + 1.3 * share) if doubled else (u,):
                low = 0.36 if part in (Part.FRONT, Part.BACK) else 0.0
                bar = [(middle - share, low), (middle + share, low),
                       (middle + share, 1), (middle - share, 1)]  # fmt: skip
                mesh.decal(part, row, on, dense(bar, 6))
    if vehicle.side_stripe is not None:
        row = further_row(further, vehicle.side_stripe, 0.4)
        for on in parts.sides:
            bar = [(-0.97, 0.55), (0.97, 0.55), (0.97, 0.7), (-0.97, 0.7)]
            mesh.decal(Part.SIDE, row, on, dense(bar, 8))
        if model.body.family in ("bus", "van", "truck"):  # around the corners
            for part, on in ((Part.FRONT, parts.front), (Part.BACK, parts.panel)):
                bar = [(-0.98, 0.78), (0.98, 0.78), (0.98, 0.92), (-0.98, 0.92)]
                mesh.decal(part, row, on, dense(bar, 8))


def _add_ribbons(
    mesh: Builder, model: Model, vehicle: Vehicle, further: Further
) -> None:
    """Strips of cloth tied to the outer mirrors."""
    if vehicle.ribbons is None:
        return
    row, body = further_row(further, vehicle.ribbons), model.body
    big = body.family in ("truck", "bus")
    y = body.cowl + (0.5 if big else 0.08)
    z = body.length / 2 - body.bonnet - (0.0 if big else 0.14)
    for side in (-1, 1):
        x = side * (body.width / 2 * body.waist + 0.13)
        strip = rectangle(x, y - 0.06, 0.05, 0.16)
        mesh.add(Part.MIRROR, row, np.c_[strip, np.full(4, z)])


def _add_cover(
    mesh: Builder, model: Model, vehicle: Vehicle, parts: Shell, further: Further
) -> None:
    """The spare wheel on an off-roader's back."""
    if vehicle.cover is None or model.body.family != "suv":
        return
    on = parts.back
    for row, radius in (
        (int(Stuff.RUBBER), 0.33),
        (further_row(further, vehicle.cover), 0.27),
    ):
        disc = on.metres(0.0, 0.72, ellipse(0, 0, radius, radius, 18))
        mesh.decal(Part.BACK, row, on, np.clip(disc, (-1, 0), (1, 1)))


def _things(
    model: Model, vehicle: Vehicle, parts: Shell, further: Further, front: bool
) -> Mesh:
    """What lies on the dashboard (or the parcel shelf) and hangs from the mirror."""
    mesh, on = Builder(), parts.screen if front else parts.window
    part, sign = (Part.SCREEN, 1) if front else (Part.WINDOW, -1)
    scale = 1.5 if model.body.family in ("truck", "bus") else 1.0
    for thing in vehicle.things:
        if thing.front != front:
            continue
        x, y, z = (on.at([(thing.u, 0.03)])[0] - (0, 0, sign * thing.depth)).tolist()
        row = further_row(further, shaded(thing.colour, 1.15))
        half = scale * thing.size / 2
        if thing.kind == "box":
            shape = rectangle(x, y + 0.6 * half, 1.3 * half, 0.6 * half)
        else:
            shape = ellipse(x, y + half, 0.9 * half, half, 10)
        mesh.add(part, row, np.c_[shape, np.full(len(shape), z)])
        if thing.kind == "toy":
            head = ellipse(x, y + 2.3 * half, 0.6 * half, 0.55 * half, 10)
            mesh.add(part, row, np.c_[head, np.full(len(head), z)])
    if front:
        x, y, z = (on.at([(0.0, 0.9)])[0] - (0, 0, 0.1)).tolist()
        glass = rectangle(x, y, 0.12, 0.035)
        mesh.add(part, Stuff.TRIM, np.c_[glass, np.full(4, z)])
        if vehicle.ornament is not None:
            length, radius, colour = vehicle.ornament
            row = further_row(further, shaded(colour, 1.15))
            radius, length = scale * radius, scale * length
            string = [(x, y, z), (x, y - length, z)]
            mesh.add(part, row, string, kind=Kind.LINE, width=0.02)
            bob = ellipse(x, y - length - radius, radius, 1.4 * radius, 10)
            mesh.add(part, row, np.c_[bob, np.full(len(bob), z)])
    return mesh.build()
