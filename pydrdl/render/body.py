"""Turns a model's surfaces into a mesh: panels, windows, wheels, mirrors."""

from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise

import numpy as np

from pydrdl.render.ends import (
    LAMPS_BELOW,
    add_back,
    add_bed,
    add_cargo,
    add_front,
    box_floor,
)
from pydrdl.render.material import Stuff
from pydrdl.render.mesh import (
    Builder,
    Kind,
    Mesh,
    Part,
    Patch,
    Points,
    dense,
    rectangle,
)
from pydrdl.render.model import Model
from pydrdl.render.shell import Shell, shell

# The glass of windscreen and rear window in its frame, u and v.
PANE = ((-0.92, 0.05), (0.92, 0.05), (0.9, 0.94), (-0.9, 0.94))


@lru_cache(maxsize=256)
def body_mesh(model: Model) -> Mesh:
    """Builds what all vehicles of a model have in common."""
    mesh, parts = Builder(), shell(model.body)
    _add_panels(mesh, model, parts)
    _add_shut_lines(mesh, model, parts)
    _add_under(mesh, model)
    for side in (0, 1):
        _add_wheels(mesh, model, (-1, 1)[side])
        _add_side_windows(mesh, model, parts.flanks[side])
        _add_mirror(mesh, model, (-1, 1)[side])
    _add_glass(mesh, model, parts)
    _add_roof(mesh, model, parts)
    add_front(mesh, model, parts)
    add_back(mesh, model, parts)
    if model.body.cargo:
        add_cargo(mesh, model, parts)
    if model.body.family == "pick-up":
        add_bed(mesh, model, parts)
    return mesh.build()


def _add_panels(mesh: Builder, model: Model, parts: Shell) -> None:
    def end(plastic: bool) -> Callable[[float, float], int]:
        bumper = Stuff.TRIM if plastic else Stuff.BUMPER
        return lambda u, v: bumper if v < 0.36 else Stuff.PAINT

    def side(u: float, v: float) -> int:
        return Stuff.LOWER if v < 0.5 else Stuff.PAINT

    mesh.surface(Part.FRONT, end(model.front.plastic), parts.front, 20, 12)
    mesh.surface(Part.BONNET, Stuff.BONNET, parts.bonnet, 16, 12)
    mesh.surface(Part.SCREEN, Stuff.TOP, parts.screen, 6, 4)
    mesh.surface(Part.ROOF, Stuff.TOP, parts.roof, 12, 10)
    mesh.surface(Part.WINDOW, Stuff.TOP, parts.window, 6, 4)
    mesh.surface(Part.BOOT, Stuff.PAINT, parts.boot, 12, 5)
    if not model.body.cargo:
        mesh.surface(Part.BACK, end(model.back.plastic), parts.back, 16, 12)
    for ledge, flank, lower in zip(
        parts.ledges, parts.flanks, parts.sides, strict=True
    ):
        mesh.surface(Part.SIDE, side, lower, 10, 8)
        mesh.surface(Part.LEDGE, Stuff.PAINT, ledge, 6, 1)
        mesh.surface(Part.FLANK, Stuff.PAINT, flank, 6, 3)


def _add_shut_lines(mesh: Builder, model: Model, parts: Shell) -> None:
    """The gaps between panels."""
    body = model.body
    if body.bonnet > 0.3:
        rim = [(-0.9, 0.97), (-0.88, 0.5), (-0.82, 0.06), (-0.6, 0.015), (0.6, 0.015),
               (0.82, 0.06), (0.88, 0.5), (0.9, 0.97)]  # fmt: skip
        mesh.stroke(Part.BONNET, Stuff.GAP, parts.bonnet, rim, 0.008)
        if model.front.ridge:
            for side in (-1, 1):
                ridge = [(side * model.front.ridge, 0.08),
                         (side * model.front.ridge * 1.3, 0.92)]  # fmt: skip
                mesh.stroke(Part.BONNET, Stuff.GAP, parts.bonnet, ridge, 0.005)
    cowl = [(-0.93, 0.965), (0.93, 0.965), (0.93, 1), (-0.93, 1)]
    mesh.decal(Part.BONNET, Stuff.TRIM, parts.bonnet, dense(cowl))
    if body.family == "bus":
        return
    doors = (0.55, -0.05) if not body.cargo else (0.1,)
    for flank in parts.sides:
        for u in doors:
            mesh.stroke(Part.SIDE, Stuff.GAP, flank, [(u, 0.1), (u, 0.97)], 0.008)
            handle = rectangle(u - 0.1, 0.78, 0.035, 0.025)
            mesh.decal(Part.SIDE, Stuff.TRIM, flank, handle)


def _add_under(mesh: Builder, model: Model) -> None:
    """The dark beneath the body, so that nobody looks through it."""
    body = model.body
    w, z = 0.34 * body.width, body.length / 2 - 0.6
    for end, normal in ((z, (0, 0, 1)), (-z, (0, 0, -1))):
        dark = [(-w, 0.1, end), (w, 0.1, end), (w, 0.5, end), (-w, 0.5, end)]
        mesh.add(Part.UNDER, Stuff.DARK, dark, normal)


def _circle(x: float, y: float, z: float, radius: float, corners: int = 16) -> Points:
    angle = np.arange(corners) * (2 * np.pi / corners)
    return np.stack(
        [np.full(corners, x), y + radius * np.sin(angle), z + radius * np.cos(angle)],
        axis=1,
    )


def _add_wheels(mesh: Builder, model: Model, side: int) -> None:
    body, radius = model.body, model.body.wheel
    half = body.width / 2
    places = (body.length / 2 - body.axles[0], body.axles[1] - body.length / 2)
    for z in places:
        for t in np.linspace(0, 2 * np.pi, 14, endpoint=False):
            a, b = t - 0.23, t + 0.23
            corners = [
                (side * (half - x), radius + radius * np.sin(w), z + radius * np.cos(w))
                for x, w in ((0.03, a), (0.24, a), (0.24, b), (0.03, b))
            ]
            normal = (0.0, np.sin(t), np.cos(t))
            mesh.add(Part.WHEEL, Stuff.RUBBER, corners, normal, layer=0)
        out = (side, 0, 0)
        x = side * 0.965 * half  # inside the fender, which bends in at its corners
        arch = _circle(x, radius + 0.02, z, radius * 1.16)
        reach = radius * 1.16
        foot = [(x, body.sill, z - reach), (x, body.sill, z + reach)]
        arch = np.concatenate([arch[:9], foot])
        cargo = body.cargo and z < 0
        if not cargo:
            mesh.add(Part.SIDE, Stuff.DARK, arch, out)
        part = Part.CARGO if cargo else Part.SIDE
        for material, size in (
            (Stuff.RUBBER, 1.0),
            (Stuff.RIM, 0.66),
            (Stuff.DARK, 0.56),
        ):
            mesh.add(part, material, _circle(x, radius, z, radius * size), out)
        for k in range(model.spokes):
            t = 2 * np.pi * k / model.spokes + 0.3
            spoke = [(x, radius + s * radius * np.sin(t), z + s * radius * np.cos(t))
                     for s in (0.1, 0.6)]  # fmt: skip
            mesh.add(part, Stuff.RIM, spoke, out, kind=Kind.LINE, width=0.05)


def _add_side_windows(mesh: Builder, model: Model, flank: Patch) -> None:
    count, family = model.side_windows, model.body.family
    first, last = (-0.9, 0.86) if family != "bus" else (-0.97, 0.93)
    edges = np.linspace(first, last, count + 1)
    gap = 0.02 if family != "bus" else 0.008
    for low, high in pairwise(edges.tolist()):
        glass = [(low + gap, 0.08), (high - gap, 0.08), (high - gap, 0.88),
                 (low + gap, 0.88)]  # fmt: skip
        mesh.decal(Part.FLANK, Stuff.GLASS, flank, glass)
    if model.trim_line:
        strip = [(first, 0.04), (last, 0.04)]
        mesh.stroke(Part.FLANK, Stuff.CHROME, flank, strip, 0.02)


def _add_mirror(mesh: Builder, model: Model, side: int) -> None:
    body = model.body
    big = body.family in ("truck", "bus")
    x = side * (body.width / 2 * body.waist + 0.03)
    y = body.cowl + (0.5 if big else 0.06)
    z = body.length / 2 - body.bonnet - (0.02 if big else 0.28)
    width, height, depth = (0.2, 0.4, 0.1) if big else (0.2, 0.14, 0.12)
    xs = sorted((x, x + side * width))
    mesh.box(Part.MIRROR, Stuff.MIRROR, (xs[0], y, z), (xs[1], y + height, z + depth),
             shrink=0.15)  # fmt: skip
    arm = [(x + shift * side, y + height / 2, z + 0.05) for shift in (-0.07, 0.005)]
    mesh.add(Part.MIRROR, Stuff.TRIM, arm, kind=Kind.LINE, width=0.04)
    glass = [(x + side * 0.03, y + 0.02, z - 0.002),
             (x + side * (width - 0.02), y + 0.02, z - 0.002),
             (x + side * (width - 0.03), y + height - 0.02, z - 0.002),
             (x + side * 0.04, y + height - 0.02, z - 0.002)]  # fmt: skip
    mesh.add(Part.MIRROR, Stuff.GLASS, glass, (0, 0, -1))


def _add_glass(mesh: Builder, model: Model, parts: Shell) -> None:
    """The frames, and panes that are looked through."""
    for part, on in ((Part.SCREEN, parts.screen), (Part.WINDOW, parts.window)):
        if part == Part.WINDOW and model.body.cargo:
            continue
        rim = [(-0.97, 0.01), (0.97, 0.01), (0.95, 0.98), (-0.95, 0.98)]
        mesh.decal(part, Stuff.TRIM, on, dense(rim, 6))
        mesh.decal(part, Stuff.GLASS, on, dense(PANE, 6), Kind.PANE)
    wipers = ([(-0.72, 0.06), (-0.08, 0.1)], [(-0.02, 0.05), (0.66, 0.1)])
    for wiper in wipers:
        mesh.stroke(Part.SCREEN, Stuff.TRIM, parts.screen, wiper, 0.02)
    if model.back.wiper:
        mesh.stroke(
            Part.WINDOW, Stuff.TRIM, parts.window, [(0, 0.06), (0.5, 0.14)], 0.022
        )


def _add_roof(mesh: Builder, model: Model, parts: Shell) -> None:
    if model.rails:
        for u in (-0.86, 0.86):
            mesh.stroke(
                Part.ROOF, Stuff.CHROME, parts.roof, [(u, 0.04), (u, 0.96)], 0.05
            )
    if model.body.family == "bus":
        low, high = parts.roof.at([(-0.5, 0.75), (0.5, 0.55)])
        mesh.box(Part.LOAD, Stuff.WHITE, (low[0], low[1] - 0.05, low[2]),
                 (high[0], high[1] + 0.2, high[2]), shrink=0.15)  # fmt: skip
    if model.back.spoiler and not model.body.cargo and model.body.family != "bus":
        edge = [(-0.75, 0.97), (0.75, 0.97), (0.75, 1.0), (-0.75, 1.0)]
        mesh.decal(Part.ROOF, Stuff.TRIM, parts.roof, edge)


# Licence plates, without characters and over everything else.


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
