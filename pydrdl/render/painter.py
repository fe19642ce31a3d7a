"""Paints a mesh from far to near, in the colours that daylight gives it.

Surfaces that face away are left out; the others are painted region by region from
far to near, which for a vehicle seen along its length is a fixed order for each
end.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from pydrdl.arrays import Int, Pixels
from pydrdl.render.mesh import Colour, Kind, Mesh, Points, Region, Stuff
from pydrdl.render.scene import SHIFT, Light, View, cut, to_fixed

Painted = tuple[Colour, float]  # a colour, and how much a surface mirrors
Outline = NDArray[np.int32]  # N x 2, in 1/16 pixels
PaintPane = Callable[[Region, Outline], None]
GRAZING = 0.04  # cosine below which the wheels would show past the corners
FRONT_ORDER = (
    Region.CARGO, Region.BACK, Region.BOOT, Region.BED, Region.WINDOW, Region.UNDER,
    Region.WHEEL, Region.SIDE, Region.LEDGE, Region.FLANK, Region.ROOF, Region.LOAD,
    Region.SCREEN, Region.BONNET, Region.MIRROR, Region.FRONT,
)  # fmt: skip
BACK_ORDER = (
    Region.FRONT, Region.MIRROR, Region.BONNET, Region.SCREEN, Region.UNDER,
    Region.WHEEL, Region.SIDE, Region.LEDGE, Region.FLANK, Region.ROOF, Region.LOAD,
    Region.WINDOW, Region.BOOT, Region.BED, Region.CARGO, Region.BACK,
)  # fmt: skip
# The place of each region where the front is seen, and where the back is.
RANKS = {True: np.argsort(FRONT_ORDER), False: np.argsort(BACK_ORDER)}
FIXED: dict[Stuff, Painted] = {
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


def shaded(colour: Colour, factor: float) -> Colour:
    """Returns a colour made darker (factor < 1) or lighter."""
    blue, green, red = (min(255.0, channel * factor) for channel in colour)
    return blue, green, red


@dataclass(frozen=True)
class Palette:
    """Colours of materials."""

    colours: Points  # M x 3, BGR, 0 to 255
    gloss: Points  # M, not negative; paint has 0.6, chrome 4


def palette(
    own: Mapping[Stuff, Painted], paint: Colour, further: Sequence[Painted]
) -> Palette:
    """Returns a palette: FIXED but for own materials, the paint where neither says.

    Further colours are numbered from len(Stuff).
    """
    rows = {**FIXED, **own}
    every = [*(rows.get(material, (paint, 0.6)) for material in Stuff), *further]
    colours, gloss = zip(*every, strict=True)
    return Palette(np.array(colours, float), np.array(gloss, float))


def shade(
    materials: Int, normals: Points, towards: Points, colours: Palette, light: Light
) -> Points:
    """Returns the colours in which E faces are seen, E x 3, BGR, 0 to 255.

    Normals are zero for what has no side; unit vectors lead towards the camera.
    """
    base, gloss = colours.colours[materials], colours.gloss[materials]
    direct = light.strength * np.maximum(normals @ light.sun, 0)
    diffuse = light.ambient * (0.74 + 0.4 * normals[:, 1]) + 0.75 * direct
    cosine = np.maximum((normals * towards).sum(axis=1), 0)
    mirrored = 2 * cosine[:, None] * normals - towards
    share = np.minimum(gloss * (0.13 + 0.75 * (1 - cosine) ** 3), 0.85)
    share = (share * np.any(normals != 0, axis=1))[:, None]
    glint = np.maximum(mirrored @ light.sun, 0) ** 24 * light.strength * gloss * 110
    lit = base * diffuse[:, None] * (1 - share)
    lit = lit + _surroundings(mirrored[:, 1], light) * share + glint[:, None]
    return np.asarray(np.clip(lit, 0, 255))


def _surroundings(height: Points, light: Light) -> Points:
    """What is mirrored from a direction: sky above, houses and road below."""
    sky = np.array(light.sky) * (1.0 - 0.35 * np.clip(height, 0, 1))[:, None]
    above = np.clip((height + 0.02) / 0.22, 0, 1)[:, None]
    below = light.ground * (0.45 + 0.4 * np.clip(-height, 0, 1))[:, None]
    return np.asarray(sky * above + below * (1 - above))


def paint_mesh(
    pixels: Pixels,
    mesh: Mesh,
    view: View,
    colours: Palette,
    light: Light,
    front: bool,
    paint_pane: PaintPane,
) -> None:
    """Paints, in place, what of a vehicle is seen from the front or from the back.

    Paint_pane is given the panes of glass, to paint what is behind them too.
    """
    seen, towards, distance = _facing(mesh, view)
    ranks = RANKS[front][mesh.regions[seen]]
    # Inside a region, layer 0 by distance, then the others in their order.
    above = np.where(mesh.layers[seen] > 0, mesh.layers[seen], -distance[seen])
    seen = seen[np.lexsort((above, ranks))]
    materials, normals = mesh.materials[seen], mesh.normals[seen]
    lit = shade(materials, normals, towards[seen], colours, light).tolist()
    flat = to_fixed(view.project(mesh.points))
    widths = view.pixels(mesh.widths[seen], mesh.centres[seen]).tolist()
    starts, kinds = mesh.starts.tolist(), mesh.kinds.tolist()
    for element, colour, width in zip(seen.tolist(), lit, widths, strict=True):
        shape = flat[starts[element] : starts[element + 1]]
        if kinds[element] == Kind.PANE:
            paint_pane(Region(int(mesh.regions[element])), shape)
        else:
            _paint(pixels, kinds[element], shape, colour, width)


def _paint(
    pixels: Pixels, kind: int, shape: Outline, colour: list[float], width: float
) -> None:
    if kind == Kind.CONVEX:
        cv2.fillConvexPoly(pixels, shape, colour, cv2.LINE_8, SHIFT)
    elif kind == Kind.POLYGON:
        cv2.fillPoly(pixels, [shape], colour, cv2.LINE_8, SHIFT)
    else:
        thick = max(1, round(width))
        cv2.polylines(pixels, [shape], False, colour, thick, cv2.LINE_8, SHIFT)


def _facing(mesh: Mesh, view: View) -> tuple[Int, Points, Points]:
    """Which elements face the camera, the way to it (E x 3) and how far (E)."""
    towards = view.position - mesh.centres
    distance = np.linalg.norm(towards, axis=1)
    towards = towards / distance[:, None]
    facing = (mesh.normals * towards).sum(axis=1)
    least = np.where(mesh.regions == Region.SIDE, GRAZING, 0.01)
    seen = np.flatnonzero((facing > least) | ~mesh.normals.any(axis=1))
    return seen, towards, np.asarray(distance)


def extent(mesh: Mesh, view: View) -> Points:
    """Where a mesh is painted: left, top, right and bottom, pixels.

    Exact but for the ends of slanting lines.
    """
    seen = _facing(mesh, view)[0]
    sizes = np.diff(mesh.starts)[seen]
    owners = np.repeat(seen, sizes)
    first = np.repeat(np.cumsum(sizes) - sizes, sizes)
    points = mesh.starts[owners] + np.arange(len(owners)) - first
    flat = view.project(mesh.points[points])
    reach = view.pixels(mesh.widths, mesh.centres)[owners, None] / 2
    return np.concatenate([(flat - reach).min(axis=0), (flat + reach).max(axis=0)])


@dataclass(frozen=True)
class Glazier:
    """Paints the panes of one image: the cabin, then the sky's reflection."""

    pixels: Pixels  # the image that is painted on
    view: View
    light: Light
    colours: Palette  # of the meshes' materials
    behind: Mapping[Region, Mesh]  # the windscreen, and the rear window
    tint: float  # how dark the glass is, 0 to 1
    random: Generator  # of the image; draws the reflections

    def __call__(self, region: Region, outline: Outline) -> None:
        """Paints one pane; see paint_mesh."""
        x, y, w, h = cv2.boundingRect(outline >> SHIFT)
        height, width = self.pixels.shape[:2]
        x0, x1 = max(x, 0), min(x + w + 1, width)
        y0, y1 = max(y, 0), min(y + h + 1, height)
        if x1 <= x0 or y1 <= y0:
            return
        corner = np.array([x0, y0])
        below = self.pixels[y0:y1, x0:x1]
        glass = np.empty_like(below)
        glass[:] = self.colours.colours[Stuff.CABIN] * (0.5 * self.light.ambient)
        self._paint_cabin(glass, self.behind[region], corner)
        self._mirror(glass)
        mask = np.zeros(glass.shape[:2], np.uint8)
        inside = outline - (corner << SHIFT).astype(np.int32)
        cv2.fillConvexPoly(mask, inside, 255, cv2.LINE_8, SHIFT)
        cv2.copyTo(glass, mask, below)

    def _paint_cabin(self, glass: Pixels, mesh: Mesh, corner: Int) -> None:
        flat = to_fixed(self.view.project(mesh.points) - corner)
        daylight = self.light.ambient + 0.3 * self.light.strength
        bright = (1 - 0.55 * self.tint) * daylight
        lit = (self.colours.colours[mesh.materials] * bright).tolist()
        widths = self.view.pixels(mesh.widths, mesh.centres).tolist()
        for i, kind in enumerate(mesh.kinds.tolist()):
            shape = flat[mesh.starts[i] : mesh.starts[i + 1]]
            _paint(glass, kind, shape, lit[i], widths[i])

    def _mirror(self, glass: Pixels) -> None:
        """Lays the sky over the glass, brighter towards its upper edge."""
        height, width = glass.shape[:2]
        clouds = cut(self.random, 2, 32)
        ramp = np.linspace(1.1, self.random.uniform(0.5, 0.9), 32)[:, None]
        sky = np.clip(clouds * ramp, 0, 255).astype(np.uint8)
        wide = cv2.resize(sky, (width, height), interpolation=cv2.INTER_LINEAR)
        share, grey = self.random.uniform(0.06, 0.24), cv2.COLOR_GRAY2BGR
        cv2.addWeighted(
            glass, 1 - share, cv2.cvtColor(wide, grey), 1.3 * share, 0, glass
        )
