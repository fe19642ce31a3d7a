"""A model's body: its surfaces, and the panels, windows and wheels on them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from pydrdl.render.mesh import (
    Builder,
    Kind,
    Patch,
    Points,
    Region,
    Stuff,
    U,
    V,
    dense,
    patch,
    rectangle,
)
from pydrdl.render.model import Body, VehicleModel

SIDES = (-1, 1)  # right, left
BELOW_BELT = 0.035  # metres from belt and cowl down to the sides' upper edge
# On the grid of a surface: the lower body's width as a share of the whole, and how
# far forward a side's point lies.
BELLY = 0.965 + 0.035 * np.sin(np.pi * np.minimum(1.15 * V, 1))
SHARE = (U + 1) / 2


@dataclass(frozen=True)
class Shell:
    """A body's surfaces; pairs are right (x < 0), then left.

    On front and back, u runs across and v from the sill up; on bonnet, boot,
    screen and window v runs up and towards the middle; on the roof v runs from
    the front back. On sides and flanks u runs from the back to the front.
    """

    front: Patch
    back: Patch
    bonnet: Patch
    boot: Patch
    screen: Patch
    window: Patch
    roof: Patch
    ledges: tuple[Patch, Patch]
    sides: tuple[Patch, Patch]
    flanks: tuple[Patch, Patch]
    panel: Patch  # what is seen from behind: the back, or a truck's cargo's
    outline: Points  # N x 3 that the vehicle fills


class _End:
    """Where the lines of one end lie; z grows towards this end.

    Attributes:
        sign: of the vehicle's z there.
        tip: the end's farthest z.
        lean: how far its upper edge lies behind its lower part.
        bumper: how far the bumper stands out.
        bow: how far its corners lie behind its middle.
        foot, foot_bow: z of the glass's foot at its corners; its middle before them.
        top, top_bow: the same of the glass's upper edge.
    """

    def __init__(self, body: Body, front: bool) -> None:
        self.sign, self.front = (1 if front else -1), front
        half = body.length / 2
        self.tip = half if front else body.length - body.cargo - half
        flat = body.family in ("truck", "bus", "van")
        self.lean = 0.05 if body.boot < 0.2 else 0.02
        if front:
            self.lean = 0.03 if flat else 0.1
        self.bumper = 0.03 if flat else 0.05
        self.bow = body.bow if front else 0.45 * body.bow
        self.drop = 0.015 if flat else 0.055
        deck, slope = body.boot, body.window
        if front:
            deck, slope = body.bonnet, body.screen
        edge = self.tip - self.lean - self.bumper
        self.top_bow = min(0.12, 0.25 * body.bow + 0.02)
        # On a short deck the glass's corners recede as far as the body's.
        self.foot = min(edge - deck - self.top_bow, edge - self.bow - 0.02)
        self.foot_bow, self.top = edge - deck - self.foot, self.foot - slope


@lru_cache(maxsize=512)
def shell(body: Body) -> Shell:
    """Builds the surfaces of a body."""
    at = _End(body, True), _End(body, False)
    front, back = (_end_patch(body, end) for end in at)
    panel = _cargo_back(body, at[1]) if body.cargo else back
    roof = _roof(body, *at)
    tops = [part.grid[::4].reshape(-1, 3) for part in (front, panel, roof)]
    low = [part.grid[0] * (1, 0, 1) for part in (front, panel)]
    right, left = SIDES
    return Shell(
        front, back, _deck(body, at[0], front), _deck(body, at[1], back),
        _glass(body, at[0]), _glass(body, at[1]), roof,
        (_ledge(body, *at, right), _ledge(body, *at, left)),
        (_side(body, *at, front, back, right), _side(body, *at, front, back, left)),
        (_flank(body, *at, right), _flank(body, *at, left)), panel,
        np.concatenate(tops + low),
    )  # fmt: skip


def _end_patch(body: Body, end: _End) -> Patch:
    """The front, or the back, with its bumper and receding corners."""
    top = (body.nose if end.front else body.tail) - 0.02
    out = end.bumper * (np.exp(-(((V - 0.27) / 0.17) ** 2)) - 1)
    recede = end.bow * (0.25 * U**2 + 0.75 * np.abs(U) ** 5)
    tuck = 0.06 * np.maximum(0, 0.12 - V) / 0.12
    z = end.sign * (end.tip + out - recede - end.lean * V**3 - tuck)
    y = body.sill + (top - end.drop * np.abs(U) ** 3 - body.sill) * V
    region = Region.FRONT if end.front else Region.BACK
    x = U * (body.width / 2) * BELLY
    return patch(region, x, y, z, (0, 0, end.sign))


def _deck(body: Body, end: _End, upright: Patch) -> Patch:
    """The bonnet, or the boot lid, from the end's upper edge to the glass."""
    bulge = body.crown if end.front else 0.3 * body.crown
    edge = upright.at(np.stack([U, np.ones_like(U)], -1)).reshape(*U.shape, 3)
    foot = (body.cowl if end.front else body.belt) - 0.035 * np.abs(U) ** 3
    rise = V**0.8
    x = edge[..., 0] * (1 - V) + U * (body.width / 2) * 0.985 * V
    y = edge[..., 1] * (1 - rise) + foot * rise
    y = y + bulge * np.sin(np.pi * V**0.8) * (1 - 0.7 * U**2)
    foot_z = end.sign * (end.foot + end.foot_bow * (1 - U**2))
    z = edge[..., 2] * (1 - V) + foot_z * V
    region = Region.BONNET if end.front else Region.BOOT
    return patch(region, x, y, z, (0, 1, 0.5 * end.sign))


def _glass(body: Body, end: _End) -> Patch:
    """The windscreen's surface with its frame, or the rear window's."""
    width = body.waist + (body.roof - body.waist) * V
    foot = (body.cowl if end.front else body.belt) - 0.035 * np.abs(U) ** 3
    y = foot + (body.height - 0.03 - 0.05 * np.abs(U) ** 3 - foot) * V
    bow = end.foot_bow + (end.top_bow - end.foot_bow) * V
    bow = bow + 0.03 * np.sin(np.pi * V)
    z = end.foot + (end.top - end.foot) * V + bow * (1 - U**2)
    region = Region.SCREEN if end.front else Region.WINDOW
    x = U * (body.width / 2) * width
    return patch(region, x, y, end.sign * z, (0, 0.3, end.sign))


def _roof(body: Body, front: _End, back: _End) -> Patch:
    ahead = front.top + front.top_bow * (1 - U**2)
    behind = -back.top - back.top_bow * (1 - U**2)
    crown = 0.6 * body.crown * np.sin(np.pi * V)
    y = body.height - 0.03 + crown * (1 - U**2) - 0.05 * np.abs(U) ** 3
    x, z = U * (body.width / 2) * body.roof, ahead + (behind - ahead) * V
    return patch(Region.ROOF, x, y, z, (0, 1, 0))


def _belt_line(body: Body) -> Points:
    """Height of the sides' upper edge, from the rear window to the windscreen."""
    return np.asarray(body.belt + (body.cowl - body.belt) * SHARE - BELOW_BELT)


def _ledge(body: Body, front: _End, back: _End, side: int) -> Patch:
    """The shoulder between the lower body's side and the glass house."""
    z = -back.foot + (front.foot + back.foot) * SHARE
    x = side * (body.width / 2) * (0.985 + (body.waist - 0.985) * V)
    return patch(Region.LEDGE, x, _belt_line(body), z, (0, 1, 0))


def _side(
    body: Body, front: _End, back: _End, ahead: Patch, behind: Patch, side: int
) -> Patch:
    """The lower body's side, from corner to corner."""
    nose = front.tip - front.lean - front.bumper - front.bow
    stations = [-back.tip, -back.foot, front.foot, nose, front.tip]
    heights = [body.tail, body.belt, body.cowl, body.nose, body.nose - 0.04]
    edge = np.stack([np.full_like(U, side), V], -1)
    head, tail = (end.at(edge).reshape(*U.shape, 3) for end in (ahead, behind))
    z = tail[..., 2] + (head[..., 2] - tail[..., 2]) * SHARE
    top = np.interp(z, stations, heights) - BELOW_BELT
    crease = 0.02 * np.clip((V - 0.55) / 0.12, 0, 1) * np.clip((0.9 - V) / 0.2, 0, 1)
    bulge = crease * np.minimum(1, 4 * SHARE * (1 - SHARE))
    x = side * ((body.width / 2) * BELLY + bulge)
    y = body.sill + (top - body.sill) * V
    return patch(Region.SIDE, x, y, z, (side, 0, 0))


def _flank(body: Body, front: _End, back: _End, side: int) -> Patch:
    """The glass house's side, with its windows."""
    z0 = -back.foot + (front.foot + back.foot) * SHARE
    z1 = -back.top + (front.top + back.top) * SHARE
    foot = _belt_line(body)
    width = body.waist + (body.roof - body.waist) * V
    bulge = 0.02 * np.sin(np.pi * V) * (1 - U**4)
    y = foot + (body.height - 0.08 - foot) * V
    x = side * ((body.width / 2) * width + bulge)
    return patch(Region.FLANK, x, y, z0 + (z1 - z0) * V, (side, 0.3, 0))


def box_floor(body: Body) -> float:
    """Height of a truck's box above the road, metres."""
    return body.sill + 0.35


def _cargo_back(body: Body, end: _End) -> Patch:
    """The rear face of a truck's box."""
    low, rear = box_floor(body), -end.tip - body.cargo
    y = low + (body.cargo_height - low) * V
    x, z = U * (body.width / 2 + 0.04), np.full_like(U, rear)
    return patch(Region.BACK, x, y, z, (0, 0, -1))


def add_body(mesh: Builder, model: VehicleModel, on: Shell) -> None:
    """Adds panels, wheels, windows, mirrors and what is on the roof."""
    _add_panels(mesh, model, on)
    _add_shut_lines(mesh, model, on)
    body = model.body
    # The dark beneath the body, so that nobody looks through it.
    w, z = 0.34 * body.width, body.length / 2 - 0.6
    for end, way in ((z, 1), (-z, -1)):
        dark = [(-w, 0.1, end), (w, 0.1, end), (w, 0.5, end), (-w, 0.5, end)]
        mesh.add(Region.UNDER, Stuff.DARK, dark, (0, 0, way))
    for side, flank in zip(SIDES, on.flanks, strict=True):
        _add_wheels(mesh, model, side)
        _add_side_windows(mesh, model, flank)
        _add_mirror(mesh, body, side)
    _add_glass(mesh, model, on)
    _add_roof(mesh, model, on)


def _add_panels(mesh: Builder, model: VehicleModel, on: Shell) -> None:
    def end(plastic: bool) -> Callable[[float, float], int]:
        bumper = Stuff.TRIM if plastic else Stuff.BUMPER
        return lambda u, v: bumper if v < 0.36 else Stuff.PAINT

    mesh.surface(on.front, end(model.front.plastic), 20, 12)
    mesh.surface(on.bonnet, Stuff.BONNET, 16, 12)
    mesh.surface(on.screen, Stuff.TOP, 6, 4)
    mesh.surface(on.roof, Stuff.TOP, 12, 10)
    mesh.surface(on.window, Stuff.TOP, 6, 4)
    mesh.surface(on.boot, Stuff.PAINT, 12, 5)
    if not model.body.cargo:
        mesh.surface(on.back, end(model.back.plastic), 16, 12)
    for ledge, flank, lower in zip(on.ledges, on.flanks, on.sides, strict=True):
        mesh.surface(lower, lambda u, v: Stuff.LOWER if v < 0.5 else Stuff.PAINT, 10, 8)
        mesh.surface(ledge, Stuff.PAINT, 6, 1)
        mesh.surface(flank, Stuff.PAINT, 6, 3)


def _add_shut_lines(mesh: Builder, model: VehicleModel, on: Shell) -> None:
    """The gaps between panels, and the doors' handles."""
    body, u = model.body, model.front.ridge
    if body.bonnet > 0.3:
        rim = [(-0.9, 0.97), (-0.88, 0.5), (-0.82, 0.06), (-0.6, 0.015)]
        rim += [(-u, v) for u, v in reversed(rim)]
        mesh.stroke(on.bonnet, Stuff.GAP, rim, 0.008)
        for side in SIDES if u else ():
            ridge = [(side * u, 0.08), (side * u * 1.3, 0.92)]
            mesh.stroke(on.bonnet, Stuff.GAP, ridge, 0.005)
    cowl = [(-0.93, 0.965), (0.93, 0.965), (0.93, 1), (-0.93, 1)]
    mesh.decal(on.bonnet, Stuff.TRIM, dense(cowl))
    if body.family == "bus":
        return
    for part in on.sides:
        for u in (0.1,) if body.cargo else (0.55, -0.05):
            mesh.stroke(part, Stuff.GAP, [(u, 0.1), (u, 0.97)], 0.008)
            handle = rectangle(u - 0.1, 0.78, 0.035, 0.025)
            mesh.decal(part, Stuff.TRIM, handle)


def _circle(x: float, y: float, z: float, radius: float) -> Points:
    angle = np.arange(16) * (2 * np.pi / 16)
    up, ahead = y + radius * np.sin(angle), z + radius * np.cos(angle)
    return np.stack([np.full(16, x), up, ahead], axis=1)


def _add_wheels(mesh: Builder, model: VehicleModel, side: int) -> None:
    body, radius = model.body, model.body.wheel
    half = body.width / 2
    out = (side, 0, 0)
    x = side * 0.965 * half  # inside the fender, which bends in at its corners
    for z in (body.length / 2 - body.axles[0], body.axles[1] - body.length / 2):
        for t in np.linspace(0, 2 * np.pi, 14, endpoint=False):
            a, b = t - 0.23, t + 0.23
            tread = [
                (side * (half - d), radius + radius * np.sin(w), z + radius * np.cos(w))
                for d, w in ((0.03, a), (0.24, a), (0.24, b), (0.03, b))
            ]
            normal = (0.0, np.sin(t), np.cos(t))
            mesh.add(Region.WHEEL, Stuff.RUBBER, tread, normal, layer=0)
        cargo = body.cargo and z < 0
        if not cargo:
            reach = radius * 1.16
            arch = _circle(x, radius + 0.02, z, reach)[:9]
            foot = [(x, body.sill, z - reach), (x, body.sill, z + reach)]
            mesh.add(Region.SIDE, Stuff.DARK, np.concatenate([arch, foot]), out)
        region = Region.CARGO if cargo else Region.SIDE
        for material, size in (
            (Stuff.RUBBER, 1.0), (Stuff.RIM, 0.66), (Stuff.DARK, 0.56)
        ):  # fmt: skip
            mesh.add(region, material, _circle(x, radius, z, radius * size), out)
        for k in range(model.spokes):
            t = 2 * np.pi * k / model.spokes + 0.3
            spoke = [(x, radius + s * radius * np.sin(t), z + s * radius * np.cos(t))
                     for s in (0.1, 0.6)]  # fmt: skip
            mesh.add(region, Stuff.RIM, spoke, out, kind=Kind.LINE, width=0.05)


def _add_side_windows(mesh: Builder, model: VehicleModel, flank: Patch) -> None:
    bus = model.body.family == "bus"
    first, last, gap = (-0.97, 0.93, 0.008) if bus else (-0.9, 0.86, 0.02)
    for low, high in pairwise(np.linspace(first, last, model.side_windows + 1)):
        a, b = low + gap, high - gap
        glass = [(a, 0.08), (b, 0.08), (b, 0.88), (a, 0.88)]
        mesh.decal(flank, Stuff.GLASS, glass)
    if model.trim_line:
        strip = [(first, 0.04), (last, 0.04)]
        mesh.stroke(flank, Stuff.CHROME, strip, 0.02)


def _add_mirror(mesh: Builder, body: Body, side: int) -> None:
    big = body.big
    x = side * (body.width / 2 * body.waist + 0.03)
    y = body.cowl + (0.5 if big else 0.06)
    z = body.length / 2 - body.bonnet - (0.02 if big else 0.28)
    width, height, depth = (0.2, 0.4, 0.1) if big else (0.2, 0.14, 0.12)
    x0, x1 = sorted((x, x + side * width))
    low, high = (x0, y, z), (x1, y + height, z + depth)
    mesh.box(Region.MIRROR, Stuff.MIRROR, low, high, 0.15)
    arm = [(x + shift * side, y + height / 2, z + 0.05) for shift in (-0.07, 0.005)]
    mesh.line(Region.MIRROR, Stuff.TRIM, arm, 0.04)
    foot, top = y + 0.02, y + height - 0.02
    corners = ((0.03, foot), (width - 0.02, foot), (width - 0.03, top), (0.04, top))
    glass = [(x + side * across, up, z - 0.002) for across, up in corners]
    mesh.add(Region.MIRROR, Stuff.GLASS, glass, (0, 0, -1))


def _add_glass(mesh: Builder, model: VehicleModel, on: Shell) -> None:
    """The frames, panes that are looked through, and wipers."""
    rim = [(-0.97, 0.01), (0.97, 0.01), (0.95, 0.98), (-0.95, 0.98)]
    pane = [(-0.92, 0.05), (0.92, 0.05), (0.9, 0.94), (-0.9, 0.94)]
    for glass in (on.screen,) if model.body.cargo else (on.screen, on.window):
        mesh.decal(glass, Stuff.TRIM, dense(rim, 6))
        mesh.decal(glass, Stuff.GLASS, dense(pane, 6), Kind.PANE)
    for wiper in ([(-0.72, 0.06), (-0.08, 0.1)], [(-0.02, 0.05), (0.66, 0.1)]):
        mesh.stroke(on.screen, Stuff.TRIM, wiper, 0.02)
    if model.back.wiper:
        wiper = [(0, 0.06), (0.5, 0.14)]
        mesh.stroke(on.window, Stuff.TRIM, wiper, 0.022)


def _add_roof(mesh: Builder, model: VehicleModel, on: Shell) -> None:
    for u in (-0.86, 0.86) if model.rails else ():
        rail = [(u, 0.04), (u, 0.96)]
        mesh.stroke(on.roof, Stuff.CHROME, rail, 0.05)
    bus = model.body.family == "bus"
    if bus:
        low, high = on.roof.at([(-0.5, 0.75), (0.5, 0.55)])
        low, high = low - np.array([0, 0.05, 0]), high + np.array([0, 0.2, 0])
        mesh.box(Region.LOAD, Stuff.WHITE, low.tolist(), high.tolist(), 0.15)
    if model.back.spoiler and not model.body.cargo and not bus:
        edge = [(-0.75, 0.97), (0.75, 0.97), (0.75, 1.0), (-0.75, 1.0)]
        mesh.decal(on.roof, Stuff.TRIM, edge)
