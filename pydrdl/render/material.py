"""What surfaces are made of: a palette of colours and how they shine."""

from dataclasses import dataclass
from enum import IntEnum, auto

import numpy as np
from numpy.typing import NDArray

from pydrdl.render.colour import Colour, shaded


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
