"""A vehicle: one model's specimen, told from others by its paint and marks."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pydrdl.render.chance import VEHICLE, generator, pick
from pydrdl.render.colour import VIVID, Colour

# VehicleID's seven colours in its order, "sliver" as the release spells it:
# BGR and how often it is seen.
PAINTS: dict[str, tuple[Colour, float]] = {
    "black": ((34, 32, 32), 0.24),
    "blue": ((140, 70, 28), 0.08),
    "gray": ((108, 104, 102), 0.1),
    "red": ((38, 30, 165), 0.1),
    "sliver": ((188, 186, 182), 0.17),
    "white": ((236, 238, 238), 0.26),
    "yellow": ((40, 180, 228), 0.05),
}
PLATES: tuple[Colour, ...] = ((170, 85, 25), (40, 175, 230), (120, 190, 120))


@dataclass(frozen=True)
class Mark:
    """A coloured shape on a face; u from -1 to 1, v from 0 to 1, as half sizes."""

    kind: str
    u: float
    v: float
    half_width: float
    half_height: float
    colour: Colour


@dataclass(frozen=True)
class Vehicle:
    """What tells a vehicle from others of its model."""

    colour: int  # index in PAINTS
    paint: Colour
    plate: Colour
    tint: float  # brightness of the glass
    screen: tuple[Mark, ...]  # on or behind the windscreen
    back: tuple[Mark, ...]  # on or behind the rear window
    front_panel: tuple[Mark, ...]
    back_panel: tuple[Mark, ...]
    sun_strip: Colour | None
    ornament: tuple[float, float, Colour] | None  # length, radius, colour
    load: str | None
    load_colours: tuple[Colour, Colour]
    stripe: tuple[float, float, Colour] | None  # u, half width, colour
    mirrors: Colour | None  # another colour than the paint


def _stickers(random: np.random.Generator, least: int) -> tuple[Mark, ...]:
    """Inspection labels and stickers, most of them in an upper corner."""
    marks = []
    side = -1 if random.random() < 0.7 else 1
    for number in range(int(random.integers(least, 5))):
        stray = random.random() < 0.3
        u = random.uniform(-0.8, 0.8) if stray else side * (0.76 - 0.21 * number)
        v = random.uniform(0.2, 0.5) if stray else random.uniform(0.7, 0.8)
        kind = pick(random, ("rectangle", "rectangle", "disc"))
        size = random.uniform(0.06, 0.095)
        marks.append(Mark(kind, u, v, size, random.uniform(0.1, 0.15),
                          pick(random, VIVID)))  # fmt: skip
    return tuple(marks)


def _behind_glass(random: np.random.Generator, chance: float) -> tuple[Mark, ...]:
    """Things on the dashboard or the parcel shelf."""
    marks = []
    for u in (-0.5, 0.05, 0.5):
        if random.random() < chance:
            kind = pick(random, ("rectangle", "disc"))
            marks.append(Mark(kind, u + random.uniform(-0.15, 0.15), 0.14,
                              random.uniform(0.08, 0.16), random.uniform(0.09, 0.14),
                              pick(random, VIVID)))  # fmt: skip
    return tuple(marks)


def _damage(random: np.random.Generator) -> tuple[Mark, ...]:
    """Scratches, primer and stickers on the body."""
    marks = []
    if random.random() < 0.45:
        u = random.uniform(0.45, 0.85) * pick(random, (-1, 1))
        marks.append(Mark("scratch", u, random.uniform(0.3, 0.5), 0.13, 0.05,
                          pick(random, ((235, 235, 235), (20, 20, 20)))))  # fmt: skip
    if random.random() < 0.3:
        u = pick(random, (-0.72, 0.72))
        marks.append(
            Mark(
                "patch",
                u,
                0.22,
                0.2,
                0.13,
                pick(random, ((60, 60, 60), (165, 160, 155), (40, 45, 120))),
            )
        )
    if random.random() < 0.3:
        u = random.uniform(0.35, 0.6) * pick(random, (-1, 1))
        marks.append(Mark("disc", u, 0.42, 0.07, 0.08, pick(random, VIVID)))
    return tuple(marks)


@lru_cache(maxsize=64)
def draw_vehicle(seed: int, number: int) -> Vehicle:
    """Returns a vehicle, a pure function of the arguments.

    Its model is drawn elsewhere: any vehicle's paint and marks fit any model.
    """
    random = generator(seed, number, kind=VEHICLE)
    names = list(PAINTS)
    colour = pick(random, range(len(names)), [weight for _, weight in PAINTS.values()])
    # The shade differs little: the light of an image changes it more.
    base = np.array(PAINTS[names[colour]][0]) * random.uniform(0.92, 1.06)
    shade = np.clip(base + random.normal(0, 2, 3), 8, 245)

    def perhaps(chance: float, value: Colour) -> Colour | None:
        return value if random.random() < chance else None

    ornament = (random.uniform(0.3, 0.5), random.uniform(0.05, 0.075))
    ornament_colour = perhaps(0.5, pick(random, VIVID))
    stripe = (pick(random, (0.0, 0.0, -0.45, 0.45)), random.uniform(0.07, 0.13))
    stripe_colour = perhaps(0.18, pick(random, VIVID))
    return Vehicle(
        colour=colour,
        paint=(float(shade[0]), float(shade[1]), float(shade[2])),
        plate=pick(random, PLATES, (0.75, 0.15, 0.1)),
        tint=random.uniform(0.6, 1.25),
        screen=_behind_glass(random, 0.3) + _stickers(random, 1),
        back=_behind_glass(random, 0.3) + _stickers(random, 0),
        front_panel=_damage(random),
        back_panel=_damage(random),
        sun_strip=perhaps(0.22, pick(random, VIVID)),
        ornament=ornament_colour and (*ornament, ornament_colour),
        load=pick(random, (None, "box", "bags", "bars", "sign"), (76, 6, 6, 6, 6)),
        load_colours=(pick(random, VIVID), pick(random, VIVID)),
        stripe=stripe_colour and (*stripe, stripe_colour),
        mirrors=perhaps(0.25, pick(random, ((30, 30, 30), (210, 210, 210), *VIVID))),
    )
