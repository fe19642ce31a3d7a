"""What is around a vehicle: the traffic cameras of a city, daylight, the road."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from pydrdl.arrays import Pixels
from pydrdl.render.draws import CAMERA, generator, happens, pick
from pydrdl.render.mesh import Colour, Points

CITY = 24  # cameras
NEAREST = 0.8  # metres before the camera; what is nearer is drawn there
SHIFT = 4  # OpenCV takes coordinates in 1/16 pixel
LARGEST = 1 << 19  # coordinate that OpenCV is given at most
TILE = 1024  # pixels a side of the textures that are cut from
KERB: Colour = (165, 168, 170)
FAR, NEAR = -60.0, 8.0  # metres from the vehicle's near end along the road


@dataclass(frozen=True)
class Camera:
    """A camera above a road, looking along it; lengths in metres."""

    height: float  # above the road
    aside: float  # of the lane's middle, to the right of its view
    distance: float  # to the vehicles that it photographs, on the road
    tilt: float  # how far it looks down, radians
    pan: float  # to the right, radians
    focal: float  # length in pixels of its sensor
    front: bool  # whether vehicles come towards it
    heading: float  # direction of its view from north, radians clockwise
    cast: Colour  # what it makes of blue, green and red
    sharpness: float  # sigma of its blur at 256 pixels a vehicle
    noise: float  # standard deviation at medium light, of 255
    quality: int  # of its JPEG files
    road: int  # number of what lies around the lane


@lru_cache(maxsize=2 * CITY)
def draw_camera(seed: int, number: int) -> Camera:
    """Returns one of the city's cameras, a pure function of the arguments."""
    random = generator(seed, number, kind=CAMERA)
    height, distance = random.uniform(5.2, 7.5), random.uniform(12, 23)
    aside = random.normal(0, 2.0)
    cast = 1 + np.clip(random.normal(0, 0.025, 3), -0.04, 0.04)
    return Camera(
        height=height, aside=aside, distance=distance,
        tilt=float(np.arctan2(height - 0.8, distance + 1) + random.normal(0, 0.04)),
        pan=float(-np.arctan2(aside, distance) * random.uniform(0.5, 1.1)),
        focal=random.uniform(1400, 2600), front=number % 4 != 3,
        heading=random.uniform(0, 2 * np.pi),
        cast=(float(cast[0]), float(cast[1]), float(cast[2])),
        sharpness=random.uniform(0.3, 0.9), noise=random.uniform(1.0, 3.5),
        quality=int(random.integers(72, 94)), road=int(pick(random, range(6))),
    )  # fmt: skip


class View:
    """A traffic camera's perspective onto a vehicle.

    Its attributes scale and offset map the sensor's pixels to those of the picture.

    Args:
        camera: which.
        length: of the vehicle, metres.
        yaw: how far it is turned out of its lane, radians.
        distance: from the camera to its near end along the road, metres.
        aside: of the camera from the vehicle's middle, metres.
    """

    def __init__(
        self, camera: Camera, length: float, yaw: float, distance: float, aside: float
    ) -> None:
        end, s, c = (1 if camera.front else -1), np.sin(yaw), np.cos(yaw)
        about_y = np.array([(c, 0, s), (0, 1, 0), (-s, 0, c)])
        self.turn = about_y @ np.diag([end, 1, end])
        self.near_end = np.array([0, 0, end * length / 2])
        st, ct = np.sin(camera.tilt), np.cos(camera.tilt)
        sp, cp = np.sin(camera.pan), np.cos(camera.pan)
        # Rows: to the right, up and ahead, before the road is turned.
        axes = np.array(
            [(cp, 0, sp), (-sp * st, ct, cp * st), (sp * ct, -st, -cp * ct)]
        )
        axes[1] = np.cross(axes[0], axes[2])
        self.position = self.place([(aside, camera.height, distance)])[0]
        self.axes, self.focal = axes @ self.turn.T, camera.focal
        self.scale, self.offset = 1.0, np.zeros(2)

    def place(self, points: ArrayLike) -> Points:
        """Maps the road's frame to the vehicle's.

        The road's: x to the right as the camera sees it, y up, z towards the
        camera, its origin on the road below the vehicle's near end.
        """
        return np.asarray(np.asarray(points, float) @ self.turn.T + self.near_end)

    def depth(self, points: Points) -> Points:
        """Metres ahead of the camera."""
        ahead = (points - self.position) @ self.axes[2]
        return np.asarray(np.maximum(ahead, NEAREST))

    def project(self, points: Points) -> Points:
        """Maps N x 3 to N x 2 pixels of the crop."""
        seen = (points - self.position) @ self.axes.T
        flat = seen[:, :2] * (1, -1) / np.maximum(seen[:, 2:], NEAREST)
        return np.asarray(flat * (self.focal * self.scale) + self.offset)

    def pixels(self, metres: Points, at: Points) -> Points:
        """Returns how large so many metres are at N x 3 points."""
        return metres * self.focal * self.scale / self.depth(at)

    def crop(self, points: Points, size: int, margins: ArrayLike) -> float:
        """Sets the crop, a square of so many pixels a side about N x 3 points.

        Margins are left, top, right and bottom, shares of the vehicle's size.

        Returns:
            How many pixels of the sensor the crop is high and wide.
        """
        self.scale, self.offset = 1.0, np.zeros(2)
        flat = self.project(points)
        low, high = flat.min(axis=0), flat.max(axis=0)
        edge = np.asarray(margins, float).reshape(2, 2) * (high - low).max()
        low, high = low - edge[0], high + edge[1]
        side = float((high - low).max())
        self.scale = size / side
        self.offset = -self.scale * ((low + high) / 2 - side / 2)
        return side


def to_fixed(flat: Points) -> NDArray[np.int32]:
    """Returns pixels as OpenCV takes them."""
    fixed = np.rint(flat * (1 << SHIFT))
    return np.clip(fixed, -LARGEST, LARGEST).astype(np.int32)


@dataclass(frozen=True)
class Light:
    """The light of one image."""

    sun: Points  # unit vector towards the sun, in the vehicle's frame
    strength: float  # of the sun; 0 under clouds
    ambient: float  # of the sky
    sky: Colour  # at the horizon
    ground: float  # the road's brightness, 0 to 255


def draw_light(random: Generator, turn: Points, heading: float, ground: float) -> Light:
    """Draws the time of day and the weather; turn leads from road to vehicle."""
    azimuth = random.uniform(0.5 * np.pi, 1.5 * np.pi) - heading  # east to west
    height = random.uniform(0.35, 1.15)
    sunny = happens(random, 0.55)
    strength = random.uniform(0.4, 0.8) if sunny else random.uniform(0, 0.12)
    flat = np.cos(height)
    sun = np.array([np.sin(azimuth) * flat, np.sin(height), -np.cos(azimuth) * flat])
    grey = random.uniform(205, 245)
    blue = random.uniform(0, 18) if sunny else random.uniform(-2, 6)
    ambient = random.uniform(0.78, 0.95) - 0.3 * strength
    sky = grey + 0.6 * blue, grey, grey - blue
    return Light(turn @ sun, strength, ambient, sky, ground)


@dataclass(frozen=True)
class Road:
    """What lies around a camera's lane; lengths in metres."""

    grey: float  # of the asphalt, 0 to 255
    lane: float  # width
    dashed: tuple[bool, bool]  # the lines to the right and to the left
    edge: float | None  # from the lane's middle to a verge; negative to the left
    verge: Colour
    crossing: float | None  # from the vehicle to a zebra crossing


def draw_road(random: Generator, kind: int) -> Road:
    """Draws the road of an image, of one of six kinds."""
    side = -1 if kind % 2 else 1
    lane = 3.3 + 0.1 * kind
    edge = side * (lane / 2 + 0.5 + 0.2 * kind) if kind in (0, 1, 4) else None
    verge: Colour = ((62, 104, 84), (150, 154, 158), (120, 128, 130))[kind % 3]
    crossing = random.uniform(-9, 3) if kind in (3, 5) else None
    dashed = (kind != 2, kind not in (2, 5))
    return Road(random.uniform(92, 140), lane, dashed, edge, verge, crossing)


@lru_cache(maxsize=4)
def texture(number: int) -> Pixels:
    """A tile of noise about 128: 0 asphalt, 1 fine grain, 2 clouds, 3 leaves."""
    random = Generator(np.random.Philox(number))
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


def cut(random: Generator, number: int, size: int) -> Pixels:
    """Cuts a square out of a texture, at random."""
    tile = texture(number)
    if size > TILE:
        repeats = size // TILE + 2
        tile = np.tile(tile, (repeats, repeats, *(1,) * (tile.ndim - 2)))
    y = int(random.integers(tile.shape[0] - size + 1))
    x = int(random.integers(tile.shape[1] - size + 1))
    return tile[y : y + size, x : x + size]


def paint_road(
    random: Generator, road: Road, view: View, light: Light, size: int
) -> Pixels:
    """Paints the road without the vehicle, size x size x 3."""
    bright = light.ambient + 0.75 * light.strength * max(light.sun[1], 0)
    slope = np.linspace(1.06, 0.94, size)[:, None]
    grain = cut(random, 0, size).astype(np.float32) - 128
    asphalt = np.clip((road.grey * bright + grain) * slope, 0, 255).astype(np.uint8)
    pixels = cv2.cvtColor(asphalt, cv2.COLOR_GRAY2BGR)
    rectangles = list(_lines(random, road))
    if road.edge is not None:
        verge = road.edge + np.copysign(30, road.edge), FAR, NEAR, road.verge
        kerb = road.edge + np.copysign(0.25, road.edge), FAR, NEAR, KERB
        rectangles = [(road.edge, *verge), (road.edge, *kerb), *rectangles]
    corners = [
        ((left, 0, far), (right, 0, far), (right, 0, near), (left, 0, near))
        for left, right, far, near, _ in rectangles
    ]
    flat = to_fixed(view.project(view.place(np.reshape(corners, (-1, 3)))))
    for shape, (*_, colour) in zip(flat.reshape(-1, 4, 2), rectangles, strict=True):
        if shape[:, 1].max() < 0 or shape[:, 1].min() >= size << SHIFT:
            continue
        lit = [min(255.0, channel * bright) for channel in colour]
        cv2.fillConvexPoly(pixels, shape, lit, cv2.LINE_AA, SHIFT)
    return np.asarray(pixels, np.uint8)


def _lines(
    random: Generator, road: Road
) -> Iterator[tuple[float, float, float, float, Colour]]:
    """Lane lines, a crossing, and now and then something else.

    Rectangles on the ground: left, right, far and near in metres, and their colour.
    """
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
    if happens(random, 0.25):  # what an arrow or a patch of new asphalt leaves
        x, z = random.uniform(-1.2, 1.0), random.uniform(-3, 3)
        dark = pick(random, (white, (70, 70, 70), (60, 62, 62)))
        yield x, x + random.uniform(0.2, 0.9), z, z + random.uniform(1, 3), dark


def paint_shadow(
    pixels: Pixels, view: View, light: Light, half_width: float, length: float,
    outline: Points,
) -> None:  # fmt: skip
    """Darkens the road under a vehicle and on the side away from the sun."""
    height, width = pixels.shape[:2]
    to_small = max(height // 4, 16) / height
    mask = np.full((round(height * to_small), round(width * to_small)), 255, np.uint8)

    def darken(shape: Points, grey: float) -> None:
        cv2.fillConvexPoly(mask, to_fixed(shape), grey, cv2.LINE_AA, SHIFT)

    if light.strength > 0.15 and light.sun[1] > 0.1:
        fallen = outline - np.outer(outline[:, 1] / light.sun[1], light.sun)
        hull = cv2.convexHull((view.project(fallen) * to_small).astype(np.float32))
        darken(hull[:, 0], 255 * (1 - 0.75 * light.strength))
    for reach, grey in ((0.22, 150.0), (0.05, 80.0)):
        x, z = half_width + reach, length / 2 + reach
        foot = np.array([(-x, 0, -z), (x, 0, -z), (x, 0, z), (-x, 0, z)])
        darken(view.project(foot) * to_small, grey)
    soft = cv2.blur(mask, (5, 5))
    large = cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR)
    cv2.multiply(pixels, cv2.cvtColor(large, cv2.COLOR_GRAY2BGR), pixels, 1 / 255)
