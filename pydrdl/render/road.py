"""The road around a vehicle: asphalt, lane lines, verge, shadows."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from pydrdl.render.camera import Perspective, View
from pydrdl.render.chance import pick
from pydrdl.render.colour import Colour
from pydrdl.render.light import Light
from pydrdl.render.painter import SHIFT, Pixels, to_fixed
from pydrdl.render.patch import Points

# A rectangle on the ground: left, right, far and near in metres, and its colour.
Piece = tuple[float, float, float, float, Colour]
TILE = 1024  # pixels a side of the textures that are cut from
KERB: Colour = (165, 168, 170)
FAR, NEAR = -60.0, 8.0  # metres from the vehicle's near end along the road


@dataclass(frozen=True)
class Road:
    """What lies around a camera's lane.

    Attributes:
        grey: of the asphalt, 0 to 255.
        lane: width, metres.
        dashed: the lines to the right and to the left.
        edge: metres from the lane's middle to a verge; negative to the left.
        verge: its colour.
        crossing: metres from the vehicle to a zebra crossing; None without.
    """

    grey: float
    lane: float
    dashed: tuple[bool, bool]
    edge: float | None
    verge: Colour
    crossing: float | None


def draw_road(random: np.random.Generator, kind: int) -> Road:
    """Draws the road of an image, of one of six kinds."""
    side = -1 if kind % 2 else 1
    lane = 3.3 + 0.1 * kind
    edge = side * (lane / 2 + 0.5 + 0.2 * kind) if kind in (0, 1, 4) else None
    verge: Colour = ((62, 104, 84), (150, 154, 158), (120, 128, 130))[kind % 3]
    crossing = random.uniform(-9, 3) if kind in (3, 5) else None
    return Road(
        random.uniform(92, 140), lane, (kind != 2, kind not in (2, 5)), edge, verge,
        crossing,
    )  # fmt: skip


@lru_cache(maxsize=4)
def texture(number: int) -> NDArray[np.uint8]:
    """A tile of noise about 128: 0 asphalt, 1 fine grain, 2 clouds, 3 leaves."""
    random = np.random.Generator(np.random.Philox(number))
    if number == 1:
        fine = random.normal(128, 32, (TILE, TILE, 3))
        return np.clip(fine, 0, 255).astype(np.uint8)
    octaves = {0: ((4, 8.0), (24, 4.0), (300, 3.0), (1024, 4.0)),
               2: ((5, 34.0), (11, 22.0), (30, 9.0)),
               3: ((14, 40.0), (44, 34.0), (110, 22.0))}[number]  # fmt: skip
    total = np.full((TILE, TILE), 128, np.float32)
    for cells, strength in octaves:
        coarse = random.normal(0, strength, (cells, cells)).astype(np.float32)
        total += cv2.resize(coarse, (TILE, TILE), interpolation=cv2.INTER_CUBIC)
    return np.clip(total, 0, 255).astype(np.uint8)


def cut(
    random: np.random.Generator, number: int, height: int, width: int
) -> NDArray[np.uint8]:
    """Cuts a piece out of a texture, at random."""
    tile = texture(number)
    if max(height, width) > TILE:
        repeats = (height // TILE + 2, width // TILE + 2, *(1,) * (tile.ndim - 2))
        tile = np.tile(tile, repeats)
    y = int(random.integers(tile.shape[0] - height + 1))
    x = int(random.integers(tile.shape[1] - width + 1))
    return tile[y : y + height, x : x + width]


def paint_road(
    random: np.random.Generator, road: Road, view: View, light: Light, size: int
) -> Pixels:
    """Paints the road without the vehicle, size x size x 3."""
    bright = light.ambient + 0.75 * light.strength * max(light.sun[1], 0)
    grey = road.grey * bright
    slope = np.linspace(1.06, 0.94, size)[:, None]
    grain = cut(random, 0, size, size).astype(np.float32) - 128
    asphalt = np.clip((grey + grain) * slope, 0, 255).astype(np.uint8)
    pixels = cv2.cvtColor(asphalt, cv2.COLOR_GRAY2BGR)

    pieces = list(_verge(road)) + list(_lines(random, road))
    corners = [
        ((left, 0, far), (right, 0, far), (right, 0, near), (left, 0, near))
        for left, right, far, near, _ in pieces
    ]
    flat = to_fixed(view.project(view.place(np.reshape(corners, (-1, 3)))))
    for shape, (*_, colour) in zip(flat.reshape(-1, 4, 2), pieces, strict=True):
        if shape[:, 1].max() < 0 or shape[:, 1].min() >= size << SHIFT:
            continue
        lit = [min(255.0, channel * bright) for channel in colour]
        cv2.fillConvexPoly(pixels, shape, lit, cv2.LINE_AA, SHIFT)
    return np.asarray(pixels, np.uint8)


def _verge(road: Road) -> Iterator[Piece]:
    if road.edge is not None:
        outer = road.edge + np.copysign(30, road.edge)
        kerb = road.edge + np.copysign(0.25, road.edge)
        yield road.edge, outer, FAR, NEAR, road.verge
        yield road.edge, kerb, FAR, NEAR, KERB


def _lines(random: np.random.Generator, road: Road) -> Iterator[Piece]:
    """Lane lines, a crossing, and now and then something else."""
    wear = random.uniform(0.75, 1.0)
    white: Colour = (205 * wear, 208 * wear, 208 * wear)
    shift, phase = random.normal(0, 0.15), random.uniform(0, 6)
    for side, dashed in zip((1, -1), road.dashed, strict=True):
        for lane in (0.5, 1.5):
            x = shift + side * lane * road.lane
            if not dashed:
                yield x - 0.08, x + 0.08, FAR, NEAR, white
                continue
            for z in np.arange(FAR + phase, NEAR, 6.0):
                yield x - 0.08, x + 0.08, z, min(z + 2.5, NEAR), white
    if road.crossing is not None:
        for x in np.arange(-8, 8, 0.9):
            yield x, x + 0.45, road.crossing - 3, min(road.crossing, NEAR), white
    if random.random() < 0.25:  # what an arrow or a patch of new asphalt leaves
        x, z = random.uniform(-1.2, 1.0), random.uniform(-3, 3)
        dark = pick(random, (white, (70, 70, 70), (60, 62, 62)))
        yield x, x + random.uniform(0.2, 0.9), z, z + random.uniform(1, 3), dark


def paint_shadow(
    pixels: Pixels, view: Perspective, light: Light, half_width: float, length: float,
    outline: Points,
) -> None:  # fmt: skip
    """Darkens the road under a vehicle and on the side away from the sun."""
    height, width = pixels.shape[:2]
    to_small = max(height // 4, 16) / height
    mask = np.full((round(height * to_small), round(width * to_small)), 255, np.uint8)
    if light.strength > 0.15 and light.sun[1] > 0.1:
        fallen = outline - np.outer(outline[:, 1] / light.sun[1], light.sun)
        hull = cv2.convexHull((view.project(fallen) * to_small).astype(np.float32))
        shade = 255 * (1 - 0.75 * light.strength)
        cv2.fillConvexPoly(mask, to_fixed(hull[:, 0]), shade, cv2.LINE_AA, SHIFT)
    for reach, shade in ((0.22, 150.0), (0.05, 80.0)):
        x, z = half_width + reach, length / 2 + reach
        foot = np.array([(-x, 0, -z), (x, 0, -z), (x, 0, z), (-x, 0, z)])
        shape = to_fixed(view.project(foot) * to_small)
        cv2.fillConvexPoly(mask, shape, shade, cv2.LINE_AA, SHIFT)
    soft = cv2.blur(mask, (5, 5))
    large = cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR)
    cv2.multiply(pixels, cv2.cvtColor(large, cv2.COLOR_GRAY2BGR), pixels, 1 / 255)
