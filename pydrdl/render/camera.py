"""The traffic cameras of a city, and what one of them sees of a vehicle."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from pydrdl.render.draws import CAMERA, generator, pick
from pydrdl.render.mesh import Points

CITY = 24  # cameras
NEAREST = 0.8  # metres before the camera; what is nearer is drawn there


@dataclass(frozen=True)
class Camera:
    """A camera above a road, looking along it.

    Attributes:
        height: above the road, metres.
        aside: of the lane's middle, metres, to the right of its view.
        distance: to the vehicles that it photographs, metres on the road.
        tilt: how far it looks down, radians.
        pan: to the right, radians.
        focal: length in pixels of its sensor.
        front: whether vehicles come towards it.
        heading: direction of its view from north, radians clockwise.
        cast: what it makes of blue, green and red.
        sharpness: sigma of its blur at 256 pixels a vehicle.
        noise: standard deviation at medium light, of 255.
        quality: of its JPEG files.
        road: number of what lies around the lane.
    """

    height: float
    aside: float
    distance: float
    tilt: float
    pan: float
    focal: float
    front: bool
    heading: float
    cast: tuple[float, float, float]
    sharpness: float
    noise: float
    quality: int
    road: int


@lru_cache(maxsize=CITY)
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


class Perspective:
    """How a camera sees the points of a vehicle's frame.

    Args:
        position: of the camera, metres.
        axes: 3 x 3; rows to the right, up and ahead, in the vehicle's frame.
        focal: length in pixels.
    """

    def __init__(self, position: Points, axes: Points, focal: float) -> None:
        self.position, self.axes, self.focal = position, axes, focal
        self.scale, self.offset = 1.0, np.zeros(2)

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


class View(Perspective):
    """A traffic camera's perspective onto a vehicle.

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
        end = 1 if camera.front else -1
        self.turn = _about_y(yaw) @ np.diag([end, 1, end])
        self.near_end = np.array([0, 0, end * length / 2])
        st, ct = np.sin(camera.tilt), np.cos(camera.tilt)
        sp, cp = np.sin(camera.pan), np.cos(camera.pan)
        # Rows: to the right, up and ahead, before the road is turned.
        axes = np.array(
            [(cp, 0, sp), (-sp * st, ct, cp * st), (sp * ct, -st, -cp * ct)]
        )
        axes[1] = np.cross(axes[0], axes[2])
        position = self.place([(aside, camera.height, distance)])[0]
        super().__init__(position, axes @ self.turn.T, camera.focal)

    def place(self, points: ArrayLike) -> Points:
        """Maps the road's frame to the vehicle's.

        The road's: x to the right as the camera sees it, y up, z towards the
        camera, its origin on the road below the vehicle's near end.
        """
        return np.asarray(np.asarray(points, float) @ self.turn.T + self.near_end)

    def crop(self, points: Points, size: int, margins: ArrayLike) -> float:
        """Sets the crop, a square about the points.

        Args:
            points: N x 3.
            size: pixels a side.
            margins: left, top, right, bottom, shares of the vehicle's size.

        Returns:
            How many pixels of the sensor the crop is high and wide.
        """
        self.scale, self.offset = 1.0, np.zeros(2)
        flat = self.project(points)
        low, high = flat.min(axis=0), flat.max(axis=0)
        extent = (high - low).max()
        edge = np.asarray(margins, float).reshape(2, 2) * extent
        low, high = low - edge[0], high + edge[1]
        side = float((high - low).max())
        self.scale = size / side
        self.offset = -self.scale * ((low + high) / 2 - side / 2)
        return side


def _about_y(angle: float) -> Points:
    s, c = np.sin(angle), np.cos(angle)
    return np.array([(c, 0, s), (0, 1, 0), (-s, 0, c)])
