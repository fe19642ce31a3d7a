"""Colours as OpenCV takes them."""

from dataclasses import dataclass
from enum import IntEnum, auto

import numpy as np
from numpy.typing import NDArray

from pydrdl.render.mesh import Points

Colour = tuple[float, float, float]  # BGR, 0 to 255

# Of stickers, ornaments, loads and stripes.
VIVID: tuple[Colour, ...] = (
    (48, 44, 215), (50, 195, 240), (80, 170, 60), (205, 120, 40), (240, 240, 240),
    (180, 70, 170), (40, 125, 245), (200, 200, 50),
)  # fmt: skip


def shaded(colour: Colour, factor: float) -> Colour:
    """Returns a colour made darker (factor < 1) or lighter."""
    blue, green, red = (min(255.0, channel * factor) for channel in colour)
    return blue, green, red


# What surfaces are made of: a palette of colours and how they shine.


class Stuff(IntEnum):
    """Rows of every palette; a vehicle's own colours follow them."""

    PAINT = 0
    LOWER = auto()  # paint of the sills and doors' lower half
    TOP = auto()  # paint of the roof
    BONNET = auto()
    BUMPER = auto()
    MIRROR = auto()
    CARGO = auto()
    TRIM = auto()  # black plastic
    GAP = auto()  # shut lines
    RUBBER = auto()
    RIM = auto()
    CHROME = auto()
    GLASS = auto()
    DARK = auto()
    LENS = auto()
    REFLECTOR = auto()
    GLINT = auto()
    RED = auto()
    RED_LIT = auto()
    AMBER = auto()
    WHITE = auto()
    PLATE = auto()
    PLATE_EDGE = auto()
    CABIN = auto()
    SEAT = auto()
    SKIN = auto()
    SHIRT = auto()
    STEEL = auto()
    DASH = auto()


# BGR, then how much of its surroundings a surface mirrors.
FIXED: dict[Stuff, tuple[Colour, float]] = {
    Stuff.TRIM: ((38, 36, 36), 0.12), Stuff.GAP: ((22, 21, 21), 0.0),
    Stuff.RUBBER: ((34, 33, 33), 0.0), Stuff.RIM: ((150, 148, 146), 0.3),
    Stuff.CHROME: ((165, 163, 160), 4.0), Stuff.GLASS: ((34, 31, 29), 1.4),
    Stuff.DARK: ((14, 14, 14), 0.05), Stuff.LENS: ((186, 184, 180), 1.5),
    Stuff.REFLECTOR: ((108, 106, 104), 0.8), Stuff.GLINT: ((250, 250, 246), 0.9),
    Stuff.RED: ((34, 26, 140), 0.4), Stuff.RED_LIT: ((66, 58, 226), 0.3),
    Stuff.AMBER: ((40, 130, 235), 0.3), Stuff.WHITE: ((228, 228, 226), 0.3),
    Stuff.PLATE_EDGE: ((40, 40, 40), 0.0), Stuff.CABIN: ((34, 33, 33), 0.0),
    Stuff.SEAT: ((58, 56, 56), 0.0), Stuff.SKIN: ((105, 128, 165), 0.0),
    Stuff.SHIRT: ((110, 100, 95), 0.0), Stuff.STEEL: ((88, 86, 84), 0.15),
    Stuff.DASH: ((74, 72, 70), 0.0),
}  # fmt: skip


@dataclass(frozen=True)
class Palette:
    """Colours of materials.

    Attributes:
        colours: M x 3, BGR, 0 to 255.
        gloss: M, not negative; paint has 0.6, chrome 4.
    """

    colours: NDArray[np.float64]
    gloss: NDArray[np.float64]


def palette(
    own: dict[Stuff, tuple[Colour, float]],
    paint: Colour,
    further: list[tuple[Colour, float]],
) -> Palette:
    """Returns a vehicle's palette.

    Args:
        own: materials that differ from FIXED.
        paint: the colour of all painted parts that own leaves out.
        further: the vehicle's own colours, numbered from len(Stuff).
    """
    rows = FIXED | own
    listed = [rows.get(material, (paint, 0.6)) for material in Stuff]
    every = [*listed, *further]
    return Palette(
        np.array([colour for colour, _ in every], float),
        np.array([gloss for _, gloss in every], float),
    )


def further_row(further: list[tuple[Colour, float]], colour: Colour,
                gloss: float = 0.15) -> int:  # fmt: skip
    """Adds a colour to a list of further ones; returns its palette row."""
    further.append((shaded(colour, 1.0), gloss))
    return len(Stuff) + len(further) - 1


# Daylight: how bright and in what colour each face of a vehicle is seen.


Float = NDArray[np.float64]


@dataclass(frozen=True)
class Light:
    """The light of one image.

    Attributes:
        sun: unit vector towards the sun, in the vehicle's frame.
        strength: of the sun; 0 under clouds.
        ambient: of the sky.
        sky: its colour at the horizon, BGR.
        ground: the road's brightness, 0 to 255.
    """

    sun: Points
    strength: float
    ambient: float
    sky: tuple[float, float, float]
    ground: float


def draw_light(
    random: np.random.Generator, turn: Points, heading: float, ground: float
) -> Light:
    """Draws the time of day and the weather.

    Args:
        random: of the image.
        turn: from the road's frame to the vehicle's.
        heading: of the camera, radians from north.
        ground: the road's brightness.
    """
    azimuth = random.uniform(0.5 * np.pi, 1.5 * np.pi) - heading  # east to west
    height = random.uniform(0.35, 1.15)
    sunny = random.random() < 0.55
    strength = random.uniform(0.4, 0.8) if sunny else random.uniform(0, 0.12)
    sun = turn @ np.array(
        [np.sin(azimuth) * np.cos(height), np.sin(height),
         -np.cos(azimuth) * np.cos(height)]
    )  # fmt: skip
    grey = random.uniform(205, 245)
    blue = random.uniform(0, 18) if sunny else random.uniform(-2, 6)
    return Light(
        sun, strength, random.uniform(0.78, 0.95) - 0.3 * strength,
        (grey + 0.6 * blue, grey, grey - blue), ground,
    )  # fmt: skip


def shade(
    materials: NDArray[np.int64],
    normals: Points,
    towards: Points,
    colours: Palette,
    light: Light,
) -> Float:
    """Returns the colours of faces.

    Args:
        materials: E rows of the palette.
        normals: E x 3; zero for what has no side.
        towards: E x 3 unit vectors to the camera.
        colours: the palette.
        light: of the image.

    Returns:
        E x 3, BGR, 0 to 255.
    """
    base, gloss = colours.colours[materials], colours.gloss[materials]
    up = normals[:, 1]
    direct = light.strength * np.maximum(normals @ light.sun, 0)
    diffuse = light.ambient * (0.74 + 0.4 * up) + 0.75 * direct
    cosine = np.maximum((normals * towards).sum(axis=1), 0)
    mirrored = 2 * cosine[:, None] * normals - towards
    share = np.minimum(gloss * (0.13 + 0.75 * (1 - cosine) ** 3), 0.85)
    share *= np.any(normals != 0, axis=1)
    seen = _surroundings(mirrored, light)
    glint = np.maximum(mirrored @ light.sun, 0) ** 24 * light.strength * gloss * 110
    lit = base * diffuse[:, None]
    lit = lit * (1 - share[:, None]) + seen * share[:, None] + glint[:, None]
    return np.asarray(np.clip(lit, 0, 255))


def _surroundings(direction: Points, light: Light) -> Float:
    """What is seen in a direction: sky above, houses and road below."""
    height = direction[:, 1]
    sky = np.array(light.sky) * (1.0 - 0.35 * np.clip(height, 0, 1))[:, None]
    above = np.clip((height + 0.02) / 0.22, 0, 1)[:, None]
    below = light.ground * (0.45 + 0.4 * np.clip(-height, 0, 1))[:, None]
    return np.asarray(sky * above + below * (1 - above))
