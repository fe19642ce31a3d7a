"""Vehicle models: families of bodies, what differs inside one, and makes.

A model is a pure function of the seed and its number. Those of the drawn CompCars
are of makes, whose style they follow most of the time and in part.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from pydrdl.render.draws import CAR, MAKE, MODEL, generator, happens, pick

Range = tuple[float, float]
Box = tuple[float, float, float, float]  # inner u, outer u, bottom and top v

# Metres, except waist and roof: shares of the width. See Body.
FAMILIES: dict[str, dict[str, Range]] = {
    "saloon": {
        "length": (4.4, 4.95), "width": (1.74, 1.88), "height": (1.42, 1.5),
        "sill": (0.19, 0.24), "nose": (0.7, 0.79), "cowl": (0.94, 1.0),
        "belt": (1.0, 1.06), "tail": (0.98, 1.08), "bonnet": (1.05, 1.35),
        "screen": (0.8, 1.05), "boot": (0.5, 0.8), "window": (0.65, 0.95),
        "waist": (0.9, 0.94), "roof": (0.66, 0.74), "bow": (0.28, 0.5),
        "crown": (0.03, 0.07), "wheel": (0.31, 0.35),
    },
    "hatchback": {
        "length": (3.65, 4.3), "width": (1.64, 1.8), "height": (1.45, 1.57),
        "sill": (0.19, 0.25), "nose": (0.7, 0.83), "cowl": (0.95, 1.04),
        "belt": (1.02, 1.1), "tail": (0.96, 1.04), "bonnet": (0.82, 1.1),
        "screen": (0.7, 0.95), "boot": (0.06, 0.14), "window": (0.28, 0.6),
        "waist": (0.9, 0.94), "roof": (0.68, 0.76), "bow": (0.3, 0.5),
        "crown": (0.03, 0.08), "wheel": (0.28, 0.33),
    },
    "suv": {
        "length": (4.3, 4.85), "width": (1.8, 1.95), "height": (1.64, 1.85),
        "sill": (0.26, 0.34), "nose": (0.9, 1.04), "cowl": (1.1, 1.2),
        "belt": (1.16, 1.26), "tail": (1.08, 1.2), "bonnet": (0.95, 1.2),
        "screen": (0.6, 0.88), "boot": (0.04, 0.1), "window": (0.22, 0.5),
        "waist": (0.9, 0.95), "roof": (0.72, 0.8), "bow": (0.2, 0.4),
        "crown": (0.03, 0.06), "wheel": (0.35, 0.39),
    },
    "van": {
        "length": (3.8, 4.6), "width": (1.58, 1.74), "height": (1.82, 2.02),
        "sill": (0.22, 0.3), "nose": (0.88, 1.0), "cowl": (1.08, 1.2),
        "belt": (1.08, 1.2), "tail": (1.0, 1.1), "bonnet": (0.35, 0.65),
        "screen": (0.45, 0.7), "boot": (0.03, 0.06), "window": (0.1, 0.24),
        "waist": (0.94, 0.97), "roof": (0.82, 0.88), "bow": (0.16, 0.32),
        "crown": (0.02, 0.05), "wheel": (0.27, 0.31),
    },
    "pick-up": {
        "length": (4.9, 5.3), "width": (1.78, 1.9), "height": (1.7, 1.82),
        "sill": (0.32, 0.4), "nose": (0.95, 1.05), "cowl": (1.12, 1.2),
        "belt": (1.16, 1.22), "tail": (1.08, 1.14), "bonnet": (1.0, 1.2),
        "screen": (0.62, 0.8), "boot": (1.45, 1.65), "window": (0.1, 0.22),
        "waist": (0.9, 0.94), "roof": (0.72, 0.8), "bow": (0.18, 0.34),
        "crown": (0.03, 0.06), "wheel": (0.35, 0.39),
    },
    "truck": {
        "length": (5.2, 6.2), "width": (1.9, 2.15), "height": (2.15, 2.5),
        "sill": (0.36, 0.44), "nose": (1.12, 1.3), "cowl": (1.22, 1.4),
        "belt": (1.22, 1.4), "tail": (1.2, 1.3), "bonnet": (0.08, 0.14),
        "screen": (0.2, 0.38), "boot": (0.02, 0.04), "window": (0.03, 0.06),
        "waist": (0.95, 0.98), "roof": (0.84, 0.9), "bow": (0.1, 0.2),
        "crown": (0.02, 0.04), "wheel": (0.36, 0.42),
    },
    "bus": {
        "length": (7.5, 10.5), "width": (2.25, 2.5), "height": (2.8, 3.15),
        "sill": (0.3, 0.38), "nose": (1.1, 1.3), "cowl": (1.14, 1.36),
        "belt": (1.5, 1.75), "tail": (1.45, 1.7), "bonnet": (0.05, 0.1),
        "screen": (0.16, 0.4), "boot": (0.02, 0.04), "window": (0.05, 0.12),
        "waist": (0.97, 0.99), "roof": (0.9, 0.95), "bow": (0.12, 0.26),
        "crown": (0.03, 0.06), "wheel": (0.44, 0.5),
    },
}  # fmt: skip
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


def _design(random: np.random.Generator, family: str) -> VehicleModel:
    body = _draw_body(random, family)
    windows = {"truck": 1, "bus": 6, "van": 3, "suv": 3}.get(family, 2)
    return VehicleModel(
        body=body, front=_draw_front(random, body), back=_draw_back(random, body),
        badge=pick(random, BADGES), spokes=int(random.integers(5, 9)),
        rails=happens(random, 0.6 if family == "suv" else 0.1), side_windows=windows,
        trim_line=happens(random, 0.35),
        cargo=pick(random, ("box", "tarpaulin", "stakes")),
    )  # fmt: skip


def _draw_body(random: np.random.Generator, family: str) -> Body:
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


def _draw_front(random: np.random.Generator, body: Body) -> Front:
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


def _draw_back(random: np.random.Generator, body: Body) -> Back:
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
