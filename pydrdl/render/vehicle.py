"""A vehicle: one model's specimen, told from others by its paint and marks."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from pydrdl.render.draws import VEHICLE, generator, pick
from pydrdl.render.material import VIVID, Colour

# VehicleID's seven colours in its order, "sliver" as the release spells it:
# BGR and how often it is seen.
PAINTS: dict[str, tuple[Colour, float]] = {
    "black": ((30, 28, 28), 0.26), "blue": ((132, 66, 28), 0.05),
    "gray": ((104, 101, 99), 0.08), "red": ((38, 30, 155), 0.07),
    "sliver": ((186, 184, 180), 0.19), "white": ((236, 238, 238), 0.32),
    "yellow": ((36, 172, 222), 0.03),
}  # fmt: skip
PLATES: tuple[Colour, ...] = ((165, 80, 25), (40, 175, 230), (120, 190, 120))
LOADS = ("box", "bags", "ladder", "sign", "rack", "crates")
Where = Literal["screen", "window", "front", "back", "bonnet"]


@dataclass(frozen=True)
class Mark:
    """A coloured shape on a surface.

    Attributes:
        where: the surface.
        kind: "label", "disc", "square", "scratch", "dent" or "letters".
        u, v: its middle, in surface coordinates.
        half_width, half_height: in metres.
        colour, second: of the shape and of what is on it.
    """

    where: Where
    kind: str
    u: float
    v: float
    half_width: float
    half_height: float
    colour: Colour
    second: Colour


@dataclass(frozen=True)
class Thing:
    """Something on the dashboard or the parcel shelf.

    Attributes:
        front: on the dashboard.
        kind: "box", "ball" or "toy".
        u: across, -1 to 1.
        depth: behind the glass, metres.
        size: metres.
        colour: of it.
    """

    front: bool
    kind: str
    u: float
    depth: float
    size: float
    colour: Colour


@dataclass(frozen=True)
class Vehicle:
    """What tells a vehicle from others of its model; None and () for nothing.

    Attributes:
        colour: index in PAINTS.
        paint: its shade.
        top, lower, bonnet, bumper, mirrors: other colours of these parts.
        plate: colour of the plates.
        tint: how dark the glass is, 0 to 1.
        marks: on surfaces.
        things: behind the glass.
        ornament: hanging from the inner mirror: length, radius, colour.
        sun_strip: along the windscreen's upper edge.
        ribbons: on the outer mirrors.
        load: one of LOADS, on the roof.
        load_colours: of the load's pieces.
        stripe: along the vehicle's middle: u, half width (m), colour, doubled.
        side_stripe: along its sides.
        cover: of the spare wheel on the back.
        cargo: of a truck's box.
    """

    colour: int
    paint: Colour
    top: Colour | None
    lower: Colour | None
    bonnet: Colour | None
    bumper: Colour | None
    mirrors: Colour | None
    plate: Colour
    tint: float
    marks: tuple[Mark, ...]
    things: tuple[Thing, ...]
    ornament: tuple[float, float, Colour] | None
    sun_strip: Colour | None
    ribbons: Colour | None
    load: str | None
    load_colours: tuple[Colour, Colour]
    stripe: tuple[float, float, Colour, bool] | None
    side_stripe: Colour | None
    cover: Colour | None
    cargo: Colour


@lru_cache(maxsize=64)
def draw_vehicle(seed: int, number: int) -> Vehicle:
    """Returns a vehicle, a pure function of the arguments.

    Its model is drawn elsewhere: any vehicle's paint and marks fit any model.
    """
    random = generator(seed, number, kind=VEHICLE)
    names = list(PAINTS)
    colour = pick(random, range(len(names)), [weight for _, weight in PAINTS.values()])
    # The shade differs little: the light of an image changes it more.
    base = np.array(PAINTS[names[colour]][0]) * random.uniform(0.93, 1.06)
    shade = np.clip(base + random.normal(0, 2, 3), 8, 245)

    def vivid() -> Colour:
        return pick(random, VIVID)

    def perhaps(chance: float, *further: Colour) -> Colour | None:
        value = pick(random, (*VIVID, *further))
        return value if random.random() < chance else None

    dark, pale = (34.0, 34.0, 34.0), (200.0, 200.0, 200.0)
    ornament = (random.uniform(0.16, 0.26), random.uniform(0.045, 0.07), vivid())
    stripe = (pick(random, (0.0, 0.0, -0.4, 0.4)), random.uniform(0.07, 0.13), vivid(),
              bool(random.random() < 0.5))  # fmt: skip
    return Vehicle(
        colour=colour, paint=(float(shade[0]), float(shade[1]), float(shade[2])),
        top=perhaps(0.16, dark, dark, dark, dark), lower=perhaps(0.12, dark, pale),
        bonnet=perhaps(0.05, dark, dark), bumper=perhaps(0.12, dark, dark, dark, pale),
        mirrors=perhaps(0.26, dark, pale),
        plate=pick(random, PLATES, (0.8, 0.12, 0.08)),
        tint=random.uniform(0.1, 0.9),
        marks=(*_labels(random), *_rear_stickers(random), *_damage(random)),
        things=_things(random),
        ornament=ornament if random.random() < 0.45 else None,
        sun_strip=perhaps(0.2), ribbons=perhaps(0.14, (48, 44, 215)),
        load=pick(random, (None, *LOADS), (58, *(7,) * len(LOADS))),
        load_colours=(vivid(), vivid()),
        stripe=stripe if random.random() < 0.18 else None,
        side_stripe=perhaps(0.18), cover=perhaps(0.3, dark),
        cargo=pick(random, ((225, 226, 226), (150, 100, 50), (70, 110, 60),
                            (60, 70, 150), (140, 150, 150), vivid())),
    )  # fmt: skip


def _labels(random: np.random.Generator) -> tuple[Mark, ...]:
    """Inspection labels and stickers on the windscreen."""
    marks = []
    side = -1 if random.random() < 0.75 else 1  # most on the passenger's side
    for number in range(int(random.integers(1, 4))):
        u = side * (0.8 - 0.2 * number)
        v = random.uniform(0.74, 0.84)
        marks.append(_sticker(random, "screen", u, v, (0.06, 0.09)))
    for _ in range(int(random.choice((0, 1, 1, 2)))):
        u, v = random.uniform(-0.8, 0.8), random.choice((0.15, 0.2, 0.5, 0.86))
        marks.append(_sticker(random, "screen", u, v, (0.075, 0.13)))
    return tuple(marks)


def _rear_stickers(random: np.random.Generator) -> tuple[Mark, ...]:
    """Stickers on the rear window, and on lid and doors."""
    marks = []
    for _ in range(int(random.choice((0, 1, 2, 2, 3)))):
        u, v = random.uniform(-0.8, 0.8), random.uniform(0.15, 0.85)
        marks.append(_sticker(random, "window", u, v, (0.08, 0.14)))
    if random.random() < 0.5:
        u = random.uniform(0.25, 0.6) * pick(random, (-1, 1))
        marks.append(_sticker(random, "back", u, 0.62, (0.07, 0.12)))
    return tuple(marks)


def _sticker(
    random: np.random.Generator, where: Where, u: float, v: float,
    sizes: tuple[float, float],
) -> Mark:  # fmt: skip
    kind = pick(random, ("label", "square", "disc", "letters"), (4, 3, 3, 2))
    width = float(random.uniform(*sizes)) * (1.9 if kind == "letters" else 1.0)
    height = float(random.uniform(*sizes)) * (0.5 if kind == "letters" else 1.0)
    return Mark(where, kind, u, float(v), width, height, pick(random, VIVID),
                pick(random, VIVID))  # fmt: skip


def _damage(random: np.random.Generator) -> tuple[Mark, ...]:
    """Scratches, dents, primer and stickers on the panels."""
    marks = []
    for where in ("front", "back", "bonnet"):
        if random.random() < 0.3:
            u = random.uniform(0.3, 0.85) * pick(random, (-1, 1))
            v = random.uniform(0.3, 0.5) + (0.15 if where == "bonnet" else 0)
            marks.append(Mark(where, "scratch", u, v, random.uniform(0.1, 0.22), 0.06,
                              pick(random, ((215, 215, 215), (28, 28, 28))),
                              (60, 60, 70)))  # fmt: skip
        if random.random() < 0.25:
            u = random.uniform(0.4, 0.8) * pick(random, (-1, 1))
            v = random.uniform(0.2, 0.35) if where != "bonnet" else 0.5
            marks.append(
                Mark(
                    where,
                    "dent",
                    u,
                    v,
                    random.uniform(0.12, 0.22),
                    random.uniform(0.07, 0.12),
                    (0, 0, 0),
                    (0, 0, 0),
                )
            )
    if random.random() < 0.2:
        marks.append(_sticker(random, "bonnet", random.uniform(-0.4, 0.4),
                              random.uniform(0.3, 0.7), (0.09, 0.15)))  # fmt: skip
    return tuple(marks)


def _things(random: np.random.Generator) -> tuple[Thing, ...]:
    """Things on the dashboard and on the parcel shelf."""
    things = []
    for front, chance in ((True, 0.35), (False, 0.35)):
        for u in (-0.55, -0.05, 0.5):
            if random.random() < chance:
                things.append(Thing(
                    front, pick(random, ("box", "ball", "toy")),
                    u + random.uniform(-0.15, 0.15), random.uniform(0.1, 0.25),
                    random.uniform(0.13, 0.24), pick(random, VIVID),
                ))  # fmt: skip
    return tuple(things)
