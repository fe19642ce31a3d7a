"""A vehicle: one model's specimen, told from others by its paint and marks."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.random import Generator

from pydrdl.render.draws import VEHICLE, generator, happens, pick
from pydrdl.render.mesh import Colour

# VehicleID's seven colours in its order, "sliver" as the release spells it:
# BGR and how often it is seen.
PAINTS: dict[str, tuple[Colour, float]] = {
    "black": ((30, 28, 28), 0.26), "blue": ((132, 66, 28), 0.05),
    "gray": ((104, 101, 99), 0.08), "red": ((38, 30, 155), 0.07),
    "sliver": ((186, 184, 180), 0.19), "white": ((236, 238, 238), 0.32),
    "yellow": ((36, 172, 222), 0.03),
}  # fmt: skip
PLATES: tuple[Colour, ...] = ((165, 80, 25), (40, 175, 230), (120, 190, 120))
# The same of the drawn CompCars.
CAR_PAINTS: tuple[tuple[Colour, float], ...] = (
    ((236, 238, 238), 0.22), ((30, 28, 28), 0.17), ((186, 184, 180), 0.15),
    ((104, 101, 99), 0.1), ((38, 30, 165), 0.11), ((135, 68, 28), 0.08),
    ((75, 42, 26), 0.04), ((38, 52, 78), 0.04), ((130, 160, 178), 0.03),
    ((30, 105, 215), 0.02), ((36, 178, 226), 0.02), ((60, 92, 46), 0.01),
    ((40, 26, 82), 0.01),
)  # fmt: skip
CAR_PLATES: tuple[Colour, ...] = (
    (165, 80, 25), (235, 235, 235), (90, 200, 235), (40, 40, 40), (60, 55, 165)
)  # fmt: skip
# Of stickers, ornaments, loads and stripes.
VIVID: tuple[Colour, ...] = (
    (48, 44, 215), (50, 195, 240), (80, 170, 60), (205, 120, 40), (240, 240, 240),
    (180, 70, 170), (40, 125, 245), (200, 200, 50),
)  # fmt: skip
DARK, PALE = (34.0, 34.0, 34.0), (200.0, 200.0, 200.0)
SIDES = (-1, 1)  # right, left
LOADS = ("box", "bags", "ladder", "sign", "rack", "crates")
Where = Literal["screen", "window", "front", "back", "bonnet"]


@dataclass(frozen=True)
class Mark:
    """A coloured shape on a surface."""

    where: Where
    kind: str  # "label", "disc", "square", "scratch", "dent" or "letters"
    u: float  # u and v of its middle
    v: float
    half_width: float  # metres
    half_height: float
    colour: Colour
    second: Colour  # of what is on it


@dataclass(frozen=True)
class Thing:
    """Something on the dashboard or the parcel shelf."""

    front: bool  # on the dashboard
    kind: str  # "box", "ball" or "toy"
    u: float  # across, -1 to 1
    depth: float  # behind the glass, metres
    size: float  # metres
    colour: Colour


@dataclass(frozen=True)
class DrawnVehicle:
    """What tells a vehicle from others of its model; None and () for nothing."""

    colour: int  # index in PAINTS
    paint: Colour  # its shade
    plate: Colour
    tint: float  # how dark the glass is, 0 to 1
    top: Colour | None = None  # other colours of these parts
    lower: Colour | None = None
    bonnet: Colour | None = None
    bumper: Colour | None = None
    mirrors: Colour | None = None
    marks: tuple[Mark, ...] = ()  # on surfaces
    things: tuple[Thing, ...] = ()  # behind the glass
    ornament: tuple[float, float, Colour] | None = None  # hanging: length, radius
    sun_strip: Colour | None = None  # along the windscreen's upper edge
    ribbons: Colour | None = None  # on the outer mirrors
    load: str | None = None  # one of LOADS, on the roof
    load_colours: tuple[Colour, Colour] = (DARK, DARK)
    # Along the vehicle's middle: u, half width (m), colour, doubled.
    stripe: tuple[float, float, Colour, bool] | None = None
    side_stripe: Colour | None = None
    cover: Colour | None = None  # of the spare wheel on the back
    cargo: Colour = DARK  # of a truck's box


@lru_cache(maxsize=64)
def draw_vehicle(seed: int, number: int) -> DrawnVehicle:
    """Returns a vehicle, a pure function of the arguments.

    Its model is drawn elsewhere: any vehicle's paint and marks fit any model.
    """
    random = generator(seed, number, kind=VEHICLE)
    paints = list(PAINTS.values())
    colour = pick(random, range(len(paints)), [weight for _, weight in paints])
    # The shade differs little: the light of an image changes it more.
    paint = _shade(random, paints[colour][0], (0.93, 1.06), 2)

    def vivid() -> Colour:
        return pick(random, VIVID)

    def perhaps(probability: float, *further: Colour) -> Colour | None:
        value = pick(random, (*VIVID, *further))
        return value if happens(random, probability) else None

    ornament = (random.uniform(0.16, 0.26), random.uniform(0.045, 0.07), vivid())
    along = pick(random, (0.0, 0.0, -0.4, 0.4))
    stripe = (along, random.uniform(0.07, 0.13), vivid(), happens(random, 0.5))
    return DrawnVehicle(
        colour=colour, paint=paint, top=perhaps(0.16, DARK, DARK, DARK, DARK),
        lower=perhaps(0.12, DARK, PALE), bonnet=perhaps(0.05, DARK, DARK),
        bumper=perhaps(0.12, DARK, DARK, DARK, PALE),
        mirrors=perhaps(0.26, DARK, PALE),
        plate=pick(random, PLATES, (0.8, 0.12, 0.08)), tint=random.uniform(0.1, 0.9),
        marks=(*_labels(random), *_rear_stickers(random), *_damage(random)),
        things=_things(random), ornament=ornament if happens(random, 0.45) else None,
        sun_strip=perhaps(0.2), ribbons=perhaps(0.14, (48, 44, 215)),
        load=pick(random, (None, *LOADS), (58, *(7,) * len(LOADS))),
        load_colours=(vivid(), vivid()),
        stripe=stripe if happens(random, 0.18) else None,
        side_stripe=perhaps(0.18), cover=perhaps(0.3, DARK),
        cargo=pick(random, ((225, 226, 226), (150, 100, 50), (70, 110, 60),
                            (60, 70, 150), (140, 150, 150), vivid())),
    )  # fmt: skip


def draw_car(random: Generator) -> DrawnVehicle:
    """Draws a car of the drawn CompCars: a paint, and hardly a mark of its own."""
    base = pick(random, CAR_PAINTS, [weight for _, weight in CAR_PAINTS])[0]
    return DrawnVehicle(
        colour=-1, paint=_shade(random, base, (0.9, 1.1), 3),
        top=DARK if happens(random, 0.06) else None,
        mirrors=DARK if happens(random, 0.08) else None,
        plate=pick(random, CAR_PLATES, (0.4, 0.3, 0.1, 0.1, 0.1)),
        tint=random.uniform(0.1, 0.9),
    )  # fmt: skip


def _shade(
    random: Generator, base: Colour, factors: tuple[float, float], std: float
) -> Colour:
    bright = np.array(base) * random.uniform(*factors)
    blue, green, red = np.clip(bright + random.normal(0, std, 3), 8, 245).tolist()
    return blue, green, red


def _labels(random: Generator) -> list[Mark]:
    """Inspection labels and stickers on the windscreen."""
    marks = []
    side = -1 if happens(random, 0.75) else 1  # most on the passenger's side
    for number in range(int(random.integers(1, 4))):
        v = random.uniform(0.74, 0.84)
        u = side * (0.8 - 0.2 * number)
        marks.append(_sticker(random, "screen", u, v, (0.06, 0.09)))
    for _ in range(int(random.choice((0, 1, 1, 2)))):
        u, v = random.uniform(-0.8, 0.8), random.choice((0.15, 0.2, 0.5, 0.86))
        marks.append(_sticker(random, "screen", u, v, (0.075, 0.13)))
    return marks


def _rear_stickers(random: Generator) -> list[Mark]:
    """Stickers on the rear window, and on lid and doors."""
    marks = []
    for _ in range(int(random.choice((0, 1, 2, 2, 3)))):
        u, v = random.uniform(-0.8, 0.8), random.uniform(0.15, 0.85)
        marks.append(_sticker(random, "window", u, v, (0.08, 0.14)))
    if happens(random, 0.5):
        u = random.uniform(0.25, 0.6) * pick(random, SIDES)
        marks.append(_sticker(random, "back", u, 0.62, (0.07, 0.12)))
    return marks


def _sticker(
    random: Generator, where: Where, u: float, v: float,
    sizes: tuple[float, float],
) -> Mark:  # fmt: skip
    kind = pick(random, ("label", "square", "disc", "letters"), (4, 3, 3, 2))
    wide, high = (1.9, 0.5) if kind == "letters" else (1.0, 1.0)
    width, height = random.uniform(*sizes) * wide, random.uniform(*sizes) * high
    colours = pick(random, VIVID), pick(random, VIVID)
    return Mark(where, kind, u, float(v), width, height, *colours)


def _damage(random: Generator) -> list[Mark]:
    """Scratches, dents and stickers on the panels."""
    marks, black, between = [], (0, 0, 0), random.uniform
    for where in ("front", "back", "bonnet"):
        bonnet = where == "bonnet"
        if happens(random, 0.3):
            u = between(0.3, 0.85) * pick(random, SIDES)
            v = between(0.3, 0.5) + (0.15 if bonnet else 0)
            width = between(0.1, 0.22)
            bright = pick(random, ((215, 215, 215), (28, 28, 28)))
            marks.append(Mark(where, "scratch", u, v, width, 0.06, bright, black))
        if happens(random, 0.25):
            u = between(0.4, 0.8) * pick(random, SIDES)
            v = 0.5 if bonnet else between(0.2, 0.35)
            size = between(0.12, 0.22), between(0.07, 0.12)
            marks.append(Mark(where, "dent", u, v, *size, black, black))
    if happens(random, 0.2):
        u, v = between(-0.4, 0.4), between(0.3, 0.7)
        marks.append(_sticker(random, "bonnet", u, v, (0.09, 0.15)))
    return marks


def _things(random: Generator) -> tuple[Thing, ...]:
    """Things on the dashboard and on the parcel shelf."""
    return tuple(
        Thing(
            front, pick(random, ("box", "ball", "toy")),
            u + random.uniform(-0.15, 0.15), random.uniform(0.1, 0.25),
            random.uniform(0.13, 0.24), pick(random, VIVID),
        )
        for front in (True, False)
        for u in (-0.55, -0.05, 0.5)
        if happens(random, 0.35)
    )  # fmt: skip
