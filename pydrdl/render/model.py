"""A vehicle model: its body's measures and what its front and back look like."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pydrdl.render.chance import MODEL, generator, pick
from pydrdl.render.families import FAMILIES, WEIGHTS

# How often a family's front bumpers are not painted; others: 0.1.
PLASTIC = {"van": 0.4, "truck": 0.5}


@dataclass(frozen=True)
class Body:
    """Measures of a body in metres, heights above the road.

    Attributes:
        family: one of FAMILIES.
        length: of the vehicle; of the cab and the bed together for a truck.
        width: without mirrors.
        height: of the roof.
        sill: the body's lower edge.
        nose: the bonnet's front edge.
        cowl: the windscreen's foot.
        belt: the rear window's foot.
        tail: the rear edge of the boot.
        bonnet: from the front to the windscreen's foot.
        screen: how far the windscreen runs back.
        boot: from the rear window's foot to the back; a pick-up's bed.
        window: how far the rear window runs forward.
        waist: the glass house's width at its foot, share of the width.
        roof: the roof's width, share of the width.
        bow: how far the front's corners recede.
        crown: how far bonnet and roof bulge.
        wheel: radius of the wheels.
        axles: from the front and from the back to the wheels' middles.
        cargo: length of a truck's box or bed behind its cab, 0 without.
        cargo_height: of a truck's box above the road.
    """

    family: str
    length: float
    width: float
    height: float
    sill: float
    nose: float
    cowl: float
    belt: float
    tail: float
    bonnet: float
    screen: float
    boot: float
    window: float
    waist: float
    roof: float
    bow: float
    crown: float
    wheel: float
    axles: tuple[float, float]
    cargo: float
    cargo_height: float


@dataclass(frozen=True)
class Front:
    """The front's design; u and v are its surface coordinates."""

    lamp: str
    lamp_box: tuple[float, float, float, float]  # inner u, outer u, bottom and top v
    bulbs: int
    amber: bool
    grille: str
    grille_box: tuple[float, float, float]  # half width, bottom and top v
    bars: int
    chrome: bool
    intake: tuple[float, float]  # half width, top v
    fog: str
    plate: float  # v
    ridge: float  # u of the bonnet's crease, 0 for none
    plastic: bool  # bumper not painted


@dataclass(frozen=True)
class Back:
    """The back's design; u and v are its surface coordinates."""

    lamp: str
    lamp_box: tuple[float, float, float, float]
    plate: float
    trim: str
    exhausts: int
    plastic: bool
    wiper: bool
    spoiler: bool


@dataclass(frozen=True)
class Model:
    """What all vehicles of a model have in common."""

    body: Body
    front: Front
    back: Back
    badge: str
    spokes: int
    rails: bool
    side_windows: int
    trim_line: bool  # bright strip below the side windows
    cargo: str  # what a truck carries its load in


@lru_cache(maxsize=512)
def draw_model(seed: int, number: int) -> Model:
    """Returns a model, a pure function of the arguments."""
    random = generator(seed, number, kind=MODEL)
    names = list(FAMILIES)
    # The first models take each family once, so that small sets have them all.
    family = names[number] if number < len(names) else pick(random, names, WEIGHTS)
    return design(random, family)


def design(random: np.random.Generator, family: str) -> Model:
    """Draws a model of one of FAMILIES."""

    def between(low: float, high: float) -> float:
        return float(random.uniform(low, high))

    body = _draw_body(family, between, random)
    return Model(
        body=body, front=_draw_front(body, between, random),
        back=_draw_back(body, between, random),
        badge=pick(random, ("disc", "ring", "diamond", "bar", "wings")),
        spokes=int(random.integers(5, 9)),
        rails=bool(random.random() < (0.6 if family == "suv" else 0.1)),
        side_windows={"truck": 1, "pick-up": 2, "bus": 6, "van": 3}.get(family, 2)
        + int(family == "suv"),
        trim_line=bool(random.random() < 0.35),
        cargo=pick(random, ("box", "tarpaulin", "stakes")),
    )  # fmt: skip


def _draw_body(
    family: str, between: Callable[[float, float], float], random: np.random.Generator
) -> Body:
    sizes = {name: between(*limits) for name, limits in FAMILIES[family].items()}
    truck = family == "truck"
    cab = between(1.75, 2.1)
    front = 0.19 * sizes["length"] if family != "bus" else 2.3
    back = 0.2 * sizes["length"] if family != "bus" else 2.6
    if truck or family == "van":
        front = between(0.55, 0.75)
    return Body(
        family=family, **sizes, axles=(front, back),
        cargo=sizes["length"] - cab if truck else 0.0,
        cargo_height=between(2.5, 2.95) if truck else 0.0,
    )  # fmt: skip


def _draw_front(
    body: Body, between: Callable[[float, float], float], random: np.random.Generator
) -> Front:
    flat = body.family in ("truck", "bus")
    lamp = pick(random, ("box", "slant", "swept", "round", "slim", "drop"))
    bottom = between(0.3, 0.4) if flat else between(0.54, 0.64)
    height = between(0.15, 0.2) if lamp == "slim" else between(0.22, 0.3)
    if flat:
        height *= 0.75
    grille_bottom = between(0.32, 0.45) if flat else between(0.42, 0.56)
    grille_top = grille_bottom + between(0.2, 0.34)
    return Front(
        lamp=lamp,
        lamp_box=(between(0.5, 0.62), between(0.93, 0.99), bottom,
                  min(bottom + height, 0.95)),
        bulbs=int(random.integers(1, 4)), amber=bool(random.random() < 0.4),
        grille=pick(random, ("bars", "vertical", "mesh", "kidneys", "wing", "shield")),
        grille_box=(between(0.28, 0.48), grille_bottom, min(grille_top, 0.9)),
        bars=int(random.integers(2, 6)), chrome=bool(random.random() < 0.6),
        intake=(between(0.35, 0.75), between(0.17, 0.27)),
        fog=pick(random, ("round", "slit", "none")),
        plate=between(0.26, 0.34) if not flat else 0.16,
        ridge=pick(random, (0.0, 0.32, 0.5)),
        plastic=bool(random.random() < PLASTIC.get(body.family, 0.1)),
    )  # fmt: skip


def _draw_back(
    body: Body, between: Callable[[float, float], float], random: np.random.Generator
) -> Back:
    flat = body.family in ("truck", "bus")
    high = body.family in ("suv", "van", "hatchback")
    lamp = pick(
        random, ("tall", "tall", "block", "ell") if high
        else ("block", "ell", "round", "wedge", "band"),
    )  # fmt: skip
    bottom = between(0.28, 0.36) if flat else between(0.5, 0.6)
    return Back(
        lamp=lamp,
        lamp_box=(between(0.52, 0.7), between(0.94, 0.99), bottom,
                  bottom + (between(0.14, 0.2) if flat else between(0.24, 0.36))),
        plate=pick(random, (0.3, 0.62)) if not flat else 0.2,
        trim=pick(random, ("chrome", "black", "none")),
        exhausts=int(random.integers(0, 3)),
        plastic=bool(random.random() < (0.4 if body.family == "van" else 0.15)),
        wiper=high and bool(random.random() < 0.7),
        spoiler=bool(random.random() < 0.3),
    )  # fmt: skip
