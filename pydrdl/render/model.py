"""The families of bodies, and between which measures their models lie."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pydrdl.render.draws import MODEL, generator, pick

Range = tuple[float, float]

# Metres, except waist and roof: shares of the width. See model.Body.
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


# A vehicle model: its body's measures and what its front and back look like.


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
