"""A vehicle model: its geometry, lamps and grille. Lengths are in metres."""

from dataclasses import dataclass
from functools import lru_cache

from pydrdl.render.chance import MODEL, generator, pick

# Ranges of each body: width, length, belt (where the glass begins), roof, nose
# and tail height, length of bonnet and boot, slope of windscreen and rear window.
BODIES = {
    "saloon": (
        (1.72, 1.9), (4.3, 4.9), (0.96, 1.04), (1.42, 1.5), (0.7, 0.8), (0.94, 1.04),
        (1.0, 1.3), (0.55, 0.8), (0.7, 0.9), (0.6, 0.85),
    ),
    "hatchback": (
        (1.62, 1.78), (3.6, 4.2), (0.96, 1.06), (1.46, 1.58), (0.72, 0.84),
        (0.94, 1.04), (0.75, 1.0), (0.1, 0.16), (0.6, 0.8), (0.25, 0.5),
    ),
    "off-roader": (
        (1.8, 1.96), (4.3, 4.8), (1.1, 1.2), (1.68, 1.85), (0.94, 1.06), (1.06, 1.16),
        (0.95, 1.2), (0.08, 0.14), (0.5, 0.7), (0.18, 0.4),
    ),
    "van": (
        (1.58, 1.72), (3.8, 4.5), (1.06, 1.16), (1.82, 2.0), (0.9, 1.0), (1.02, 1.12),
        (0.3, 0.5), (0.06, 0.1), (0.42, 0.6), (0.08, 0.2),
    ),
}  # fmt: skip
BODY_WEIGHTS = (0.42, 0.22, 0.2, 0.16)


@dataclass(frozen=True)
class Model:
    """What all vehicles of a model have in common.

    Heights are above the road, half widths from the middle; u runs from the
    middle (0) to the side (1) of the front or the back, v from sill (0) to top
    (1).
    """

    body: str
    width: float
    length: float
    sill: float
    belt: float
    roof: float
    nose: float
    tail: float
    bonnet: float
    boot: float
    screen_run: float
    back_run: float
    roof_width: float  # share of the width
    chamfer: float  # how far the corners recede
    wheel: float  # radius
    grille: str
    grille_size: tuple[float, float, float]  # half width u, bottom and top v
    bars: int
    chrome: bool
    badge: str
    lamp: str
    lamp_size: tuple[float, float, float]  # inner u, bottom and top v
    intake: tuple[float, float]  # half width u, top v
    fog: str
    rear_lamp: str
    rear_lamp_size: tuple[float, float, float]  # inner u, bottom and top v
    rear_plate: float  # v of its middle
    rear_trim: str
    exhausts: int
    rails: bool
    fin: bool
    ridges: float  # u of the bonnet's ridges, 0 for none


@lru_cache(maxsize=1024)
def draw_model(seed: int, number: int) -> Model:
    """Returns a model, a pure function of the arguments."""
    random = generator(seed, number, kind=MODEL)
    # The first models take each body once, so that small sets have them all.
    names = list(BODIES)
    body = names[number] if number < len(names) else pick(random, names, BODY_WEIGHTS)
    sizes = [float(random.uniform(low, high)) for low, high in BODIES[body]]
    width, length, belt, roof, nose, tail, bonnet, boot, screen_run, back_run = sizes

    def between(low: float, high: float) -> float:
        return float(random.uniform(low, high))

    lamp = pick(random, ("box", "slant", "round", "slim", "drop"))
    lamp_bottom = between(0.55, 0.66)
    lamp_height = between(0.1, 0.15) if lamp == "slim" else between(0.2, 0.3)
    rear_lamp = pick(random, ("block", "tall", "ell", "round", "band"))
    grille_bottom = between(0.42, 0.6)
    grille_top = grille_bottom + between(0.2, 0.34)
    lamp_top = min(lamp_bottom + lamp_height, 0.94)
    return Model(
        body=body, width=width, length=length, sill=between(0.18, 0.26),
        belt=belt, roof=roof, nose=nose, tail=tail, bonnet=bonnet, boot=boot,
        screen_run=screen_run, back_run=back_run,
        roof_width=between(0.84, 0.93) if body == "van" else between(0.7, 0.82),
        chamfer=between(0.08, 0.3), wheel=between(0.29, 0.36),
        grille=pick(random, ("bars", "vertical", "mesh", "kidneys", "wing", "slot")),
        grille_size=(between(0.26, 0.5), grille_bottom, grille_top),
        bars=int(random.integers(2, 6)), chrome=bool(random.random() < 0.55),
        badge=pick(random, ("disc", "diamond", "bar", "ring", "none")),
        lamp=lamp,
        lamp_size=(between(0.5, 0.64), lamp_bottom, lamp_top),
        intake=(between(0.35, 0.8), between(0.2, 0.32)),
        fog=pick(random, ("round", "slit", "none")),
        rear_lamp=rear_lamp,
        rear_lamp_size=(between(0.5, 0.7), between(0.5, 0.62), between(0.8, 0.95)),
        rear_plate=pick(random, (0.28, 0.6)),
        rear_trim=pick(random, ("chrome", "black", "none")),
        exhausts=int(random.integers(0, 3)),
        rails=bool(random.random() < (0.6 if body == "off-roader" else 0.15)),
        fin=bool(random.random() < 0.4),
        ridges=pick(random, (0.0, 0.35, 0.55)),
    )  # fmt: skip
