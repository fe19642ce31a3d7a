"""The surfaces of a model's body."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pydrdl.render.mesh import Patch, Points, patch
from pydrdl.render.model import Body


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
class _End:
    """Where the lines of one end lie; z grows towards this end.

    Attributes:
        tip: the end's farthest z.
        lean: how far its upper edge lies behind its lower part.
        bumper: how far the bumper stands out.
        bow: how far its corners lie behind its middle.
        foot: z of the glass's foot at its corners.
        foot_bow: how far the foot's middle lies before its corners.
        top: z of the glass's upper corners.
        top_bow: the same of the upper edge.
    """

    tip: float
    lean: float
    bumper: float
    bow: float
    foot: float
    foot_bow: float
    top: float
    top_bow: float


def _end_lines(body: Body, tip: float, front: bool) -> _End:
    flat = body.family in ("truck", "bus", "van")
    lean = (0.03 if flat else 0.1) if front else (0.05 if body.boot < 0.2 else 0.02)
    bumper = 0.03 if flat else 0.05
    bow = body.bow if front else 0.45 * body.bow
    deck, slope = (body.bonnet, body.screen) if front else (body.boot, body.window)
    edge = tip - lean - bumper
    bend = min(0.12, 0.25 * body.bow + 0.02)
    # On a short deck the glass's corners recede as far as the body's.
    foot = min(edge - deck - bend, edge - bow - 0.02)
    return _End(tip, lean, bumper, bow, foot, edge - deck - foot, foot - slope, bend)


@dataclass(frozen=True)
class _Lines:
    """Where the surfaces meet along the length."""

    front: _End
    back: _End  # its z turned round
    half: float

    @classmethod
    def of(cls, body: Body) -> "_Lines":
        front = body.length / 2
        tail = body.length - body.cargo - front
        return cls(_end_lines(body, front, True), _end_lines(body, tail, False),
                   body.width / 2)  # fmt: skip

    def end(self, front: bool) -> tuple[_End, int]:
        """The lines of an end, and the sign of z there."""
        return (self.front, 1) if front else (self.back, -1)


@lru_cache(maxsize=512)
def shell(body: Body) -> Shell:
    """Builds the surfaces of a body."""
    at = _Lines.of(body)
    front, back = _end(body, at, True), _end(body, at, False)
    panel = _cargo_back(body, at) if body.cargo else back
    parts = (front, panel, _roof(body, at))
    tops = [part.grid[::4].reshape(-1, 3) for part in parts]
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
    nose = at.front.tip - at.front.lean - at.front.bumper - at.front.bow
    stations = [-at.back.tip, -at.back.foot, at.front.foot, nose, at.front.tip]
    heights = [body.tail, body.belt, body.cowl, body.nose, body.nose - 0.04]
    return np.interp(z, stations, heights) - edge


def _end(body: Body, at: _Lines, front: bool) -> Patch:
    """The front, or the back, with its bumper and receding corners."""
    line, sign = at.end(front)
    flat = body.family in ("truck", "bus", "van")
    top = (body.nose if front else body.tail) - 0.02

    def surface(u: Points, v: Points) -> tuple[Points, Points, Points]:
        out = line.bumper * (np.exp(-(((v - 0.27) / 0.17) ** 2)) - 1)
        recede = line.bow * (0.25 * u**2 + 0.75 * np.abs(u) ** 5)
        tuck = 0.06 * np.maximum(0, 0.12 - v) / 0.12
        z = sign * (line.tip + out - recede - line.lean * v**3 - tuck)
        x = u * at.half * (0.965 + 0.035 * np.sin(np.pi * np.minimum(1.15 * v, 1)))
        drop = 0.055 * np.abs(u) ** 3 if not flat else 0.015 * np.abs(u) ** 3
        y = body.sill + (top - drop - body.sill) * v
        return x, y, z

    return patch(surface, (0, 0, sign))


def _deck(body: Body, at: _Lines, end: Patch, front: bool) -> Patch:
    """The bonnet, or the boot lid, from the end's upper edge to the glass."""
    line, sign = at.end(front)
    y1 = body.cowl if front else body.belt
    bulge = body.crown if front else 0.3 * body.crown

    def surface(u: Points, v: Points) -> tuple[Points, Points, Points]:
        edge = end.at(np.stack([u, np.ones_like(u)], -1)).reshape(*u.shape, 3)
        foot = y1 - 0.035 * np.abs(u) ** 3
        rise = v**0.8
        x = edge[..., 0] * (1 - v) + u * at.half * 0.985 * v
        y = edge[..., 1] * (1 - rise) + foot * rise
        y = y + bulge * np.sin(np.pi * v**0.8) * (1 - 0.7 * u**2)
        foot_z = sign * (line.foot + line.foot_bow * (1 - u**2))
        z = edge[..., 2] * (1 - v) + foot_z * v
        return x, y, z

    return patch(surface, (0, 1, 0.5 * sign))


def _glass(body: Body, at: _Lines, front: bool) -> Patch:
    """The windscreen's surface with its frame, or the rear window's."""
    line, sign = at.end(front)
    y0 = body.cowl if front else body.belt

    def surface(u: Points, v: Points) -> tuple[Points, Points, Points]:
        width = body.waist + (body.roof - body.waist) * v
        x = u * at.half * width
        foot = y0 - 0.035 * np.abs(u) ** 3
        y = foot + (body.height - 0.03 - 0.05 * np.abs(u) ** 3 - foot) * v
        bow = line.foot_bow + (line.top_bow - line.foot_bow) * v
        bow = bow + 0.03 * np.sin(np.pi * v)
        z = line.foot + (line.top - line.foot) * v + bow * (1 - u**2)
        return x, y, sign * z

    return patch(surface, (0, 0.3, sign))


def _roof(body: Body, at: _Lines) -> Patch:

    def surface(u: Points, v: Points) -> tuple[Points, Points, Points]:
        x = u * at.half * body.roof
        front = at.front.top + at.front.top_bow * (1 - u**2)
        back = -at.back.top - at.back.top_bow * (1 - u**2)
        crown = 0.6 * body.crown * np.sin(np.pi * v)
        y = body.height - 0.03 + crown * (1 - u**2) - 0.05 * np.abs(u) ** 3
        return x, y, front + (back - front) * v

    return patch(surface, (0, 1, 0))


def _ledge(body: Body, at: _Lines, side: int) -> Patch:
    """The shoulder between the lower body's side and the glass house."""

    def surface(u: Points, v: Points) -> tuple[Points, Points, Points]:
        share = (u + 1) / 2
        z = -at.back.foot + (at.front.foot + at.back.foot) * share
        outer, inner = 0.985, body.waist
        height = body.belt + (body.cowl - body.belt) * share
        return side * at.half * (outer + (inner - outer) * v), height - 0.035, z

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
        crease = (
            0.02 * np.clip((v - 0.55) / 0.12, 0, 1) * np.clip((0.9 - v) / 0.2, 0, 1)
        )
        x = side * (at.half * belly + crease * np.minimum(1, 4 * share * (1 - share)))
        return x, body.sill + (top - body.sill) * v, z

    return patch(surface, (side, 0, 0))


def _flank(body: Body, at: _Lines, side: int) -> Patch:
    """The glass house's side, with its windows."""

    def surface(u: Points, v: Points) -> tuple[Points, Points, Points]:
        share = (u + 1) / 2
        z0 = -at.back.foot + (at.front.foot + at.back.foot) * share
        z1 = -at.back.top + (at.front.top + at.back.top) * share
        foot = body.belt + (body.cowl - body.belt) * share - 0.035
        width = body.waist + (body.roof - body.waist) * v
        bulge = 0.02 * np.sin(np.pi * v) * (1 - u**4)
        y = foot + (body.height - 0.08 - foot) * v
        return side * (at.half * width + bulge), y, z0 + (z1 - z0) * v

    return patch(surface, (side, 0.3, 0))


def _cargo_back(body: Body, at: _Lines) -> Patch:
    """The rear face of a truck's box."""
    low, rear = body.sill + 0.35, -at.back.tip - body.cargo

    def surface(u: Points, v: Points) -> tuple[Points, Points, Points]:
        y = low + (body.cargo_height - low) * v
        return u * (at.half + 0.04), y, np.full_like(u, rear)

    return patch(surface, (0, 0, -1))
