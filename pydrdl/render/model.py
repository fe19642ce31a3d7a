"""Vehicle models: families of bodies, what differs inside one, and makes.

A model is a pure function of the seed and its number. Those of the drawn CompCars
are of makes, whose style they follow most of the time and in part.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from numpy.random import Generator

from pydrdl.render.draws import CAR, MAKE, MODEL, generator, happens, pick

Range = tuple[float, float]
Box = tuple[float, float, float, float]  # inner u, outer u, bottom and top v


def _read_families() -> dict[str, dict[str, Range]]:
    """The least and the most of each measure of a Body, by family; metres or shares."""
    with (Path(__file__).parent / "families.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    return {
        family: {row[0]: _range(row[column]) for row in rows}
        for column, family in enumerate(head[1:], 1)
    }


def _range(text: str) -> Range:
    low, high = map(float, text.split())
    return low, high


FAMILIES = _read_families()
# How often a model is of each.
WEIGHTS = (0.36, 0.2, 0.2, 0.1, 0.05, 0.05, 0.04)
FLAT = ("truck", "bus")  # their fronts and backs are upright walls
HIGH = ("suv", "van", "hatchback")  # their lamps stand beside the rear window
# How often a family's front bumpers are not painted; others: 0.1.
PLASTIC = {"van": 0.4, "truck": 0.5}
BADGES = ("disc", "ring", "diamond", "bar", "wings")
LAMPS = ("box", "slant", "swept", "round", "slim", "drop")
LOW_LAMPS, HIGH_LAMPS = ("block", "ell", "round", "wedge", "band"), ("block", "ell")
GRILLES = ("bars", "vertical", "mesh", "kidneys", "wing", "shield")
FOGS = ("round", "slit", "none")
TRIMS = ("chrome", "black", "none")


@dataclass(frozen=True)
class Body:
    """Measures of a body in metres, heights above the road."""

    family: str  # one of FAMILIES
    length: float  # of the vehicle; of cab and box together for a truck
    width: float  # without mirrors
    height: float  # of the roof
    sill: float  # the body's lower edge
    nose: float  # the bonnet's front edge
    cowl: float  # the windscreen's foot
    belt: float  # the rear window's foot
    tail: float  # the rear edge of the boot
    bonnet: float  # from the front to the windscreen's foot
    screen: float  # how far the windscreen runs back
    boot: float  # from the rear window's foot to the back; a pick-up's bed
    window: float  # how far the rear window runs forward
    waist: float  # the glass house's width at its foot, share of the width
    roof: float  # the roof's width, share of the width
    bow: float  # how far the front's corners recede
    crown: float  # how far bonnet and roof bulge
    wheel: float  # radius of the wheels
    axles: tuple[float, float]  # from the front and from the back to the wheels
    cargo: float  # length of a truck's box behind its cab, 0 without
    cargo_height: float  # of a truck's box above the road

    @property
    def big(self) -> bool:
        """Whether mirrors, ornaments and stickers are larger than a car's."""
        return self.family in FLAT


@dataclass(frozen=True)
class Front:
    """The front's design; u and v are its surface coordinates."""

    lamp: str
    lamp_box: Box
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
    lamp_box: Box
    plate: float
    trim: str
    exhausts: int
    plastic: bool
    wiper: bool
    spoiler: bool


@dataclass(frozen=True)
class VehicleModel:
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
def draw_model(seed: int, number: int) -> VehicleModel:
    """Returns a model of the drawn VehicleID, a pure function of the arguments."""
    random = generator(seed, number, kind=MODEL)
    names = list(FAMILIES)
    # The first models take each family once, so that small sets have them all.
    family = names[number] if number < len(names) else pick(random, names, WEIGHTS)
    return _design(random, family)


def _design(random: Generator, family: str) -> VehicleModel:
    body = _draw_body(random, family)
    windows = {"truck": 1, "bus": 6, "van": 3, "suv": 3}.get(family, 2)
    return VehicleModel(
        body=body, front=_draw_front(random, body), back=_draw_back(random, body),
        badge=pick(random, BADGES), spokes=int(random.integers(5, 9)),
        rails=happens(random, 0.6 if family == "suv" else 0.1), side_windows=windows,
        trim_line=happens(random, 0.35),
        cargo=pick(random, ("box", "tarpaulin", "stakes")),
    )  # fmt: skip


def _draw_body(random: Generator, family: str) -> Body:
    sizes = {name: random.uniform(*limits) for name, limits in FAMILIES[family].items()}
    truck, bus = family == "truck", family == "bus"
    cab = random.uniform(1.75, 2.1)
    front = 2.3 if bus else 0.19 * sizes["length"]
    if family in ("truck", "van"):
        front = random.uniform(0.55, 0.75)
    return Body(
        family, **sizes, axles=(front, 2.6 if bus else 0.2 * sizes["length"]),
        cargo=sizes["length"] - cab if truck else 0.0,
        cargo_height=random.uniform(2.5, 2.95) if truck else 0.0,
    )  # fmt: skip


def _draw_front(random: Generator, body: Body) -> Front:
    between, flat = random.uniform, body.big
    lamp = pick(random, LAMPS)
    bottom = between(0.3, 0.4) if flat else between(0.54, 0.64)
    height = between(0.15, 0.2) if lamp == "slim" else between(0.22, 0.3)
    height *= 0.75 if flat else 1
    grille = between(0.32, 0.45) if flat else between(0.42, 0.56)
    grille_top = grille + between(0.2, 0.34)
    return Front(
        lamp=lamp,
        lamp_box=(between(0.5, 0.62), between(0.93, 0.99), bottom,
                  min(bottom + height, 0.95)),
        bulbs=int(random.integers(1, 4)), amber=happens(random, 0.4),
        grille=pick(random, GRILLES),
        grille_box=(between(0.28, 0.48), grille, min(grille_top, 0.9)),
        bars=int(random.integers(2, 6)), chrome=happens(random, 0.6),
        intake=(between(0.35, 0.75), between(0.17, 0.27)), fog=pick(random, FOGS),
        plate=0.16 if flat else between(0.26, 0.34),
        ridge=pick(random, (0.0, 0.32, 0.5)),
        plastic=happens(random, PLASTIC.get(body.family, 0.1)),
    )  # fmt: skip


def _draw_back(random: Generator, body: Body) -> Back:
    between, flat = random.uniform, body.big
    high = body.family in HIGH
    lamp = pick(random, ("tall", "tall", *HIGH_LAMPS) if high else LOW_LAMPS)
    bottom = between(0.28, 0.36) if flat else between(0.5, 0.6)
    return Back(
        lamp=lamp,
        lamp_box=(between(0.52, 0.7), between(0.94, 0.99), bottom,
                  bottom + (between(0.14, 0.2) if flat else between(0.24, 0.36))),
        plate=0.2 if flat else pick(random, (0.3, 0.62)), trim=pick(random, TRIMS),
        exhausts=int(random.integers(0, 3)),
        plastic=happens(random, 0.4 if body.family == "van" else 0.15),
        wiper=high and happens(random, 0.7), spoiler=happens(random, 0.3),
    )  # fmt: skip


# CompCars has no lorries and no coaches.
SHARES = {"saloon": 0.4, "hatchback": 0.22, "suv": 0.24, "van": 0.1, "pick-up": 0.04}
FAITHFUL = 0.8  # how often a model has its make's style, trait by trait
LIKENESS = 0.55  # how far a body's measures follow its make's


@dataclass(frozen=True)
class Make:
    """What the models of a make have in common, most of the time."""

    badge: str  # of all its models
    lamp: str
    lamp_box: Box
    bulbs: int
    grille: str
    chrome: bool
    fog: str
    grille_width: float  # half width, in the front's u
    low_lamp: str  # Back's lamp of saloons and pick-ups
    high_lamp: str  # and of the others
    trim: str
    spokes: int
    families: tuple[float, ...]  # how often a model is of each of SHARES
    figure: Mapping[str, float]  # measures, 0 to 1 of what a family allows


@lru_cache(maxsize=512)
def draw_make(seed: int, number: int) -> Make:
    """Returns a make, a pure function of the arguments."""
    random = generator(seed, number, kind=MAKE)
    between = random.uniform
    badge, lamp, bottom = pick(random, BADGES), pick(random, LAMPS), between(0.54, 0.64)
    return Make(
        badge=badge, lamp=lamp,
        lamp_box=(between(0.5, 0.62), between(0.93, 0.99), bottom,
                  bottom + between(0.18, 0.3)),
        bulbs=int(random.integers(1, 4)), grille=pick(random, GRILLES),
        chrome=happens(random, 0.6), fog=pick(random, FOGS),
        grille_width=between(0.28, 0.48), low_lamp=pick(random, LOW_LAMPS),
        high_lamp=pick(random, ("tall", *HIGH_LAMPS)), trim=pick(random, TRIMS),
        spokes=int(random.integers(5, 9)),
        families=tuple(share * random.gamma(0.8) for share in SHARES.values()),
        figure={measure: between(0, 1) for measure in FAMILIES["saloon"]},
    )  # fmt: skip


@lru_cache(maxsize=64)
def draw_car_model(seed: int, make: int, number: int) -> VehicleModel:
    """Returns a model of the drawn CompCars, a pure function of the arguments."""
    random, style = generator(seed, number, kind=CAR), draw_make(seed, make)
    own = _design(random, pick(random, list(SHARES), style.families))
    lamp, grille, chrome, back_lamp, trim, spokes = random.random(6) < FAITHFUL
    measures = {
        name: (1 - LIKENESS) * float(getattr(own.body, name))
        + LIKENESS * (low + style.figure[name] * (high - low))
        for name, (low, high) in FAMILIES[own.body.family].items()
    }
    front, back = own.front, own.back
    if lamp:
        both = zip(front.lamp_box, style.lamp_box, strict=True)
        a, b, c, d = ((x + 2 * y) / 3 for x, y in both)
        front = replace(
            front, lamp=style.lamp, lamp_box=(a, b, c, d), bulbs=style.bulbs,
            fog=style.fog,
        )  # fmt: skip
    if grille:
        half, low, high = front.grille_box
        box = ((half + 2 * style.grille_width) / 3, low, high)
        front = replace(front, grille=style.grille, grille_box=box)
    if chrome:
        front = replace(front, chrome=style.chrome)
    if back_lamp:
        high_lamp = own.body.family in HIGH
        back = replace(back, lamp=style.high_lamp if high_lamp else style.low_lamp)
    if trim:
        back = replace(back, trim=style.trim)
    return replace(
        own, body=replace(own.body, **measures),  # type: ignore[arg-type]
        badge=style.badge, front=front, back=back,
        spokes=style.spokes if spokes else own.spokes,
    )  # fmt: skip
