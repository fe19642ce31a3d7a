"""Car models as the web shows them: of makes, and each image another specimen."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pydrdl.render.draws import CAR, MAKE, generator, pick
from pydrdl.render.material import Colour
from pydrdl.render.model import FAMILIES, Back, Body, Front, Model, design
from pydrdl.render.vehicle import Vehicle

# CompCars has no lorries and no coaches.
SHARES = {"saloon": 0.4, "hatchback": 0.22, "suv": 0.24, "van": 0.1, "pick-up": 0.04}
FAITHFUL = 0.8  # how often a model has its make's style, trait by trait
LIKENESS = 0.55  # how far a body's measures follow its make's
# BGR, and how often it is seen.
PAINTS: tuple[tuple[Colour, float], ...] = (
    ((236, 238, 238), 0.22), ((30, 28, 28), 0.17), ((186, 184, 180), 0.15),
    ((104, 101, 99), 0.1), ((38, 30, 165), 0.11), ((135, 68, 28), 0.08),
    ((75, 42, 26), 0.04), ((38, 52, 78), 0.04), ((130, 160, 178), 0.03),
    ((30, 105, 215), 0.02), ((36, 178, 226), 0.02), ((60, 92, 46), 0.01),
    ((40, 26, 82), 0.01),
)  # fmt: skip
PLATES: tuple[Colour, ...] = (
    (165, 80, 25), (235, 235, 235), (90, 200, 235), (40, 40, 40), (60, 55, 165)
)  # fmt: skip


Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Make:
    """What the models of a make have in common, most of the time.

    Attributes:
        badge: of all its models.
        lamp, lamp_box, bulbs, grille, chrome, fog: as Front's.
        grille_width: half width, in the front's u.
        low_lamp, high_lamp: Back's lamp of saloons and pick-ups, and of the others.
        trim: as Back's.
        spokes: of the wheels.
        families: how often a model is of each of SHARES.
        figure: the bodies' measures, from 0 to 1 of what their family allows.
    """

    badge: str
    lamp: str
    lamp_box: Box
    bulbs: int
    grille: str
    chrome: bool
    fog: str
    grille_width: float
    low_lamp: str
    high_lamp: str
    trim: str
    spokes: int
    families: tuple[float, ...]
    figure: Mapping[str, float]


@lru_cache(maxsize=512)
def draw_make(seed: int, number: int) -> Make:
    """Returns a make, a pure function of the arguments."""
    random = generator(seed, number, kind=MAKE)
    return Make(
        badge=pick(random, ("disc", "ring", "diamond", "bar", "wings")),
        lamp=pick(random, ("box", "slant", "swept", "round", "slim", "drop")),
        lamp_box=_draw_box(random), bulbs=int(random.integers(1, 4)),
        grille=pick(random, ("bars", "vertical", "mesh", "kidneys", "wing", "shield")),
        chrome=bool(random.random() < 0.6), fog=pick(random, ("round", "slit", "none")),
        grille_width=random.uniform(0.28, 0.48),
        low_lamp=pick(random, ("block", "ell", "round", "wedge", "band")),
        high_lamp=pick(random, ("tall", "block", "ell")),
        trim=pick(random, ("chrome", "black", "none")),
        spokes=int(random.integers(5, 9)),
        families=tuple(share * random.gamma(0.8) for share in SHARES.values()),
        figure={measure: random.uniform(0, 1) for measure in FAMILIES["saloon"]},
    )  # fmt: skip


@lru_cache(maxsize=64)
def draw_car(seed: int, make: int, number: int) -> Model:
    """Returns a car model, a pure function of the arguments.

    Args:
        seed: of the data set.
        make: the number of its make.
        number: its own.
    """
    random, style = generator(seed, number, kind=CAR), draw_make(seed, make)
    own = design(random, pick(random, list(SHARES), style.families))
    follows = random.random(6) < FAITHFUL
    return replace(
        own, body=_body(own.body, style), badge=style.badge,
        front=_front(own.front, style, follows), back=_back(own, style, follows),
        spokes=style.spokes if follows[5] else own.spokes,
    )  # fmt: skip


def _body(own: Body, style: Make) -> Body:
    measures = {
        name: (1 - LIKENESS) * float(getattr(own, name))
        + LIKENESS * (low + style.figure[name] * (high - low))
        for name, (low, high) in FAMILIES[own.family].items()
    }
    return replace(own, **measures)  # type: ignore[arg-type]


def _front(own: Front, style: Make, follows: NDArray[np.bool_]) -> Front:
    lamp, grille, chrome = follows[:3]
    half, low, high = own.grille_box
    return replace(
        own, lamp=style.lamp if lamp else own.lamp,
        lamp_box=_between(own.lamp_box, style.lamp_box) if lamp else own.lamp_box,
        bulbs=style.bulbs if lamp else own.bulbs,
        fog=style.fog if lamp else own.fog,
        grille=style.grille if grille else own.grille,
        grille_box=((half + 2 * style.grille_width) / 3 if grille else half, low, high),
        chrome=style.chrome if chrome else own.chrome,
    )  # fmt: skip


def _draw_box(random: np.random.Generator) -> Box:
    """Where a make has its lamps, about as model.py draws them."""
    low = random.uniform(0.54, 0.64)
    return (random.uniform(0.5, 0.62), random.uniform(0.93, 0.99), low,
            low + random.uniform(0.18, 0.3))  # fmt: skip


def _between(own: Box, theirs: Box) -> Box:
    """Two thirds of the way from a model's own to its make's."""
    a, b, c, d = ((x + 2 * y) / 3 for x, y in zip(own, theirs, strict=True))
    return a, b, c, d


def _back(own: Model, style: Make, follows: NDArray[np.bool_]) -> Back:
    lamp, trim = follows[3:5]
    high = own.body.family in ("suv", "van", "hatchback")
    theirs = style.high_lamp if high else style.low_lamp
    return replace(
        own.back, lamp=theirs if lamp else own.back.lamp,
        trim=style.trim if trim else own.back.trim,
    )  # fmt: skip


def draw_specimen(random: np.random.Generator) -> Vehicle:
    """Draws a car of any model: a paint, and hardly a mark of its own."""
    base, _ = pick(random, PAINTS, [weight for _, weight in PAINTS])
    shade = np.clip(np.array(base) * random.uniform(0.9, 1.1) + random.normal(0, 3, 3),
                    8, 245)  # fmt: skip
    dark = (34.0, 34.0, 34.0)
    return Vehicle(
        colour=-1, paint=(float(shade[0]), float(shade[1]), float(shade[2])),
        top=dark if random.random() < 0.06 else None, lower=None, bonnet=None,
        bumper=None, mirrors=dark if random.random() < 0.08 else None,
        plate=pick(random, PLATES, (0.4, 0.3, 0.1, 0.1, 0.1)),
        tint=random.uniform(0.1, 0.9), marks=(), things=(), ornament=None,
        sun_strip=None, ribbons=None, load=None, load_colours=(dark, dark),
        stripe=None, side_stripe=None, cover=None, cargo=dark,
    )  # fmt: skip
