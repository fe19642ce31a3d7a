"""What surfaces are made of: a palette of colours and how they shine."""

from dataclasses import dataclass
from enum import IntEnum, auto

import numpy as np
from numpy.typing import NDArray

from pydrdl.render.colour import Colour, shaded


class Material(IntEnum):
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
FIXED: dict[Material, tuple[Colour, float]] = {
    Material.TRIM: ((38, 36, 36), 0.12), Material.GAP: ((22, 21, 21), 0.0),
    Material.RUBBER: ((34, 33, 33), 0.0), Material.RIM: ((150, 148, 146), 0.3),
    Material.CHROME: ((165, 163, 160), 4.0), Material.GLASS: ((34, 31, 29), 1.4),
    Material.DARK: ((14, 14, 14), 0.05), Material.LENS: ((186, 184, 180), 1.5),
    Material.REFLECTOR: ((108, 106, 104), 0.8), Material.GLINT: ((250, 250, 246), 0.9),
    Material.RED: ((34, 26, 140), 0.4), Material.RED_LIT: ((66, 58, 226), 0.3),
    Material.AMBER: ((40, 130, 235), 0.3), Material.WHITE: ((228, 228, 226), 0.3),
    Material.PLATE_EDGE: ((40, 40, 40), 0.0), Material.CABIN: ((34, 33, 33), 0.0),
    Material.SEAT: ((58, 56, 56), 0.0), Material.SKIN: ((105, 128, 165), 0.0),
    Material.SHIRT: ((110, 100, 95), 0.0), Material.STEEL: ((88, 86, 84), 0.15),
    Material.DASH: ((74, 72, 70), 0.0),
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
    own: dict[Material, tuple[Colour, float]],
    paint: Colour,
    further: list[tuple[Colour, float]],
) -> Palette:
    """Returns a vehicle's palette.

    Args:
        own: materials that differ from FIXED.
        paint: the colour of all painted parts that own leaves out.
        further: the vehicle's own colours, numbered from len(Material).
    """
    rows = FIXED | own
    listed = [rows.get(material, (paint, 0.6)) for material in Material]
    every = [*listed, *further]
    return Palette(
        np.array([colour for colour, _ in every], float),
        np.array([gloss for _, gloss in every], float),
    )


def further_row(further: list[tuple[Colour, float]], colour: Colour,
                gloss: float = 0.15) -> int:  # fmt: skip
    """Adds a colour to a list of further ones; returns its palette row."""
    further.append((shaded(colour, 1.0), gloss))
    return len(Material) + len(further) - 1
