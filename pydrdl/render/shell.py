"""The surfaces of a model's body."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pydrdl.render.model import Body
from pydrdl.render.patch import Patch, Points, patch


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


@dataclass(frozen=True)
class _Lines:
    """Where the surfaces meet: z of bonnet, screen, roof and window."""

    front: float
    cowl: float
    top: float
    back_top: float
    belt: float
    back: float
    half: float

    @classmethod
    def of(cls, body: Body) -> "_Lines":
        front = body.length / 2
        back = front - (body.length - body.cargo)
        cowl, belt = front - body.bonnet, back + body.boot
        return cls(front, cowl, cowl - body.screen, belt + body.window, belt, back,
                   body.width / 2)  # fmt: skip


@lru_cache(maxsize=512)
def shell(body: Body) -> Shell:
    """Builds the surfaces of a body."""
    at = _Lines.of(body)
    front, back = _end(body, at, True), _end(body, at, False)
    panel = _cargo_back(body, at) if body.cargo else back
    parts = (front, panel, _roof(body, at))
    tops = [part.grid[:: len(part.grid) - 1].reshape(-1, 3) for part in parts]
    low = [part.grid[0] * (1, 0, 1) for part in parts[:2]]
    return Shell(
        front=front, back=back, bonnet=_deck(body, at, front, True),
        boot=_deck(body, at, back, False), screen=_glass(body, at, True),
        window=_glass(body, at, False), roof=parts[2],
        ledges=(_ledge(body, at, -1), _ledge(body, at, 1)),
        sides=(_side(body, at, front, back, -1), _side(body, at, front, back, 1)),
        flanks=(_flank(body, at, -1), _flank(body, at, 1)), panel=panel,
        outline=np.concatenate(tops + low),
    )  # fmt: skip


def _side_top(body: Body, at: _Lines, z: Points) -> Points:
    """Height of the lower body's upper edge along the length."""
    edge = 0.035
    stations = [at.back, at.belt, at.cowl, at.front - 0.5 * body.bow, at.front]
    heights = [body.tail, body.belt, body.cowl, body.nose + 0.04, body.nose - 0.04]
    return np.interp(z, stations, heights) - edge


def _end(body: Body, at: _Lines, front: bool) -> Patch:
    """The front, or the back, with its bumper and receding corners."""
    bow = body.bow if front else 0.45 * body.bow
    flat = body.family in ("truck", "bus", "van")
    lean = (0.03 if flat else 0.1) if front else (0.05 if body.boot < 0.2 else 0.02)
    bumper = 0.05 if not flat else 0.03
    z0, sign = (at.front, 1) if front else (at.back, -1)
    top = (body.nose if front else body.tail) - 0.02

    def surface(u: Points, v: Points) -> tuple[Points, Points, Points]:
        out = bumper * (np.exp(-(((v - 0.27) / 0.17) ** 2)) - 1)
        recede = bow * (0.25 * u**2 + 0.75 * np.abs(u) ** 5)
        tuck = 0.06 * np.maximum(0, 0.12 - v) / 0.12
        z = z0 + sign * (out - recede - lean * v**3 - tuck)
        x = u * at.half * (0.965 + 0.035 * np.sin(np.pi * np.minimum(1.15 * v, 1)))
        drop = 0.055 * np.abs(u) ** 3 if not flat else 0.015 * np.abs(u) ** 3
        y = body.sill + (top - drop - body.sill) * v
        return x, y, z

    return patch(surface, (0, 0, sign))


def _deck(body: Body, at: _Lines, end: Patch, front: bool) -> Patch:
    """The bonnet, or the boot lid, from the end's upper edge to the glass."""
    z1, y1, sign = (at.cowl, body.cowl, 1) if front else (at.belt, body.belt, -1)
    bulge = body.crown if front else 0.3 * body.crown

    def surface(u: Points, v: Points) -> tuple[Points, Points, Points]:
        edge = end.at(np.stack([u, np.ones_like(u)], -1)).reshape(*u.shape, 3)
        foot = y1 - 0.035 * np.abs(u) ** 3
        rise = v**0.8
        x = edge[..., 0] * (1 - v) + u * at.half * 0.985 * v
        y = edge[..., 1] * (1 - rise) + foot * rise
        y = y + bulge * np.sin(np.pi * v**0.8) * (1 - 0.7 * u**2)
        z = edge[..., 2] * (1 - v) + (z1 + sign * 0.12 * (1 - u**2)) * v
        return x, y, z

    return patch(surface, (0, 1, 0.5 * sign))


def _glass(body: Body, at: _Lines, front: bool) -> Patch:
    """The windscreen's surface with its frame, or the rear window's."""
    z0, z1, y0, sign = (
        (at.cowl, at.top, body.cowl, 1) if front
        else (at.belt, at.back_top, body.belt, -1)
    )  # fmt: skip
    bow = min(0.12, 0.25 * body.bow + 0.02)

    def surface(u: Points, v: Points) -> tuple[Points, Points, Points]:
        width = body.waist + (body.roof - body.waist) * v
        x = u * at.half * width
        y = y0 - 0.01 + (body.height - 0.02 - 0.05 * np.abs(u) ** 3 - y0) * v
        bulge = 0.03 * np.sin(np.pi * v)
        z = z0 + (z1 - z0) * v + sign * (bow * (1 - u**2) + bulge)
        return x, y, z

    return patch(surface, (0, 0.3, sign))


def _roof(body: Body, at: _Lines) -> Patch:
    bow = min(0.12, 0.25 * body.bow + 0.02)

    def surface(u: Points, v: Points) -> tuple[Points, Points, Points]:
        x = u * at.half * body.roof
        front, back = at.top + bow * (1 - u**2), at.back_top - bow * (1 - u**2)
        crown = 0.6 * body.crown * np.sin(np.pi * v)
        y = body.height - 0.03 + crown * (1 - u**2) - 0.05 * np.abs(u) ** 3
        return x, y, front + (back - front) * v

    return patch(surface, (0, 1, 0))


def _ledge(body: Body, at: _Lines, side: int) -> Patch:
    """The shoulder between the lower body's side and the glass house."""

    def surface(u: Points, v: Points) -> tuple[Points, Points, Points]:
        z = at.belt + (at.cowl - at.belt) * (u + 1) / 2
        outer, inner = 0.985, body.waist
        height = np.interp(z, [at.belt, at.cowl], [body.belt, body.cowl])
        return side * at.half * (outer + (inner - outer) * v), height - 0.035 * (1 - v), z

    return patch(surface, (0, 1, 0))


def _side(body: Body, at: _Lines, front: Patch, back: Patch, side: int) -> Patch:
    """The lower body's side, from corner to corner."""

    def surface(u: Points, v: Points) -> tuple[Points, Points, Points]:
        edge = np.stack([np.full_like(u, side), v], -1)
        head = front.at(edge).reshape(*u.shape, 3)
        tail = back.at(edge).reshape(*u.shape, 3)
        share = (u + 1) / 2
        z = tail[..., 2] + (head[..., 2] - tail[..., 2]) * share
        top = _side_top(body, at, z)
        belly = 0.965 + 0.035 * np.sin(np.pi * np.minimum(1.15 * v, 1))
        crease = 0.02 * np.clip((v - 0.55) / 0.12, 0, 1) * np.clip((0.9 - v) / 0.2, 0, 1)
        x = side * (at.half * belly + crease * np.minimum(1, 4 * share * (1 - share)))
        return x, body.sill + (top - body.sill) * v, z

    return patch(surface, (side, 0, 0))


def _flank(body: Body, at: _Lines, side: int) -> Patch:
    """The glass house's side, with its windows."""

    def surface(u: Points, v: Points) -> tuple[Points, Points, Points]:
        share = (u + 1) / 2
        z0 = at.belt + (at.cowl - at.belt) * share
        z1 = at.back_top + (at.top - at.back_top) * share
        foot = body.belt + (body.cowl - body.belt) * share
        width = body.waist + (body.roof - body.waist) * v
        bulge = 0.02 * np.sin(np.pi * v)
        y = foot + (body.height - 0.08 - foot) * v
        return side * (at.half * width + bulge), y, z0 + (z1 - z0) * v

    return patch(surface, (side, 0.3, 0))


def _cargo_back(body: Body, at: _Lines) -> Patch:
    """The rear face of a truck's box."""
    low, rear = body.sill + 0.35, at.back - body.cargo

    def surface(u: Points, v: Points) -> tuple[Points, Points, Points]:
        y = low + (body.cargo_height - low) * v
        return u * (at.half + 0.04), y, np.full_like(u, rear)

    return patch(surface, (0, 0, -1))
