"""Photographers on foot: from where they look at a car, and how they frame it."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from pydrdl.render.camera import Perspective
from pydrdl.render.draws import pick
from pydrdl.render.mesh import Points
from pydrdl.render.model import Body

# Height over width of a picture, and how often.
ASPECTS = (0.75, 0.667, 0.5625, 0.8)
ASPECT_WEIGHTS = (0.5, 0.3, 0.12, 0.08)
CLOSE = 0.04  # share of pictures that cut a part of the car off


class Viewpoint(IntEnum):
    """As CompCars' label files number them."""

    FRONT = 1
    REAR = 2
    SIDE = 3
    FRONT_SIDE = 4
    REAR_SIDE = 5


# Degrees from the car's nose that a viewpoint spans, to either side, and how
# often it is taken: the three-quarter views are the usual ones.
SPANS = {
    Viewpoint.FRONT: (0.0, 10.0), Viewpoint.REAR: (170.0, 180.0),
    Viewpoint.SIDE: (80.0, 100.0), Viewpoint.FRONT_SIDE: (22.0, 60.0),
    Viewpoint.REAR_SIDE: (120.0, 158.0),
}  # fmt: skip
FREQUENCY = (0.14, 0.1, 0.17, 0.36, 0.23)


@dataclass(frozen=True)
class Pocket:
    """What of a photographer's camera tells how a scene is recorded.

    Attributes:
        cast: what it makes of blue, green and red.
        sharpness: sigma of its blur at 256 pixels.
        noise: standard deviation at medium light, of 255.
        quality: of its JPEG files.
        resolved: pixels that it resolves, as a share of the picture's.
    """

    cast: tuple[float, float, float]
    sharpness: float
    noise: float
    quality: int
    resolved: float


def draw_viewpoint(random: np.random.Generator) -> Viewpoint:
    """Draws from which side an image shows a car."""
    return pick(random, list(SPANS), FREQUENCY)


def draw_pocket(random: np.random.Generator) -> Pocket:
    """Draws a camera."""
    cast = 1 + np.clip(random.normal(0, 0.03, 3), -0.06, 0.06)
    return Pocket(
        (float(cast[0]), float(cast[1]), float(cast[2])), random.uniform(0.2, 0.7),
        random.uniform(0.5, 2.5), int(random.integers(70, 96)),
        random.uniform(0.6, 2.0),
    )  # fmt: skip


def draw_perspective(
    random: np.random.Generator, viewpoint: Viewpoint, body: Body
) -> Perspective:
    """Draws where a photographer stands, and turns the camera to the car."""
    angle = np.deg2rad(random.uniform(*SPANS[viewpoint])) * pick(random, (-1, 1))
    reach = np.hypot(body.width * np.sin(angle), body.length * np.cos(angle)) / 2
    distance = reach + random.uniform(3.5, 10.0)
    eyes = random.random()
    height = (
        random.uniform(0.5, 0.95) if eyes < 0.1
        else random.uniform(2.2, 3.6) if eyes > 0.9
        else random.uniform(1.1, 1.8)
    )  # fmt: skip
    at = (distance * np.sin(angle), height, distance * np.cos(angle))
    aim = (0.0, random.uniform(0.4, 0.6) * body.height, 0.0)
    roll = float(np.clip(random.normal(0, 0.012), -0.03, 0.03))
    return look_at(np.array(at), np.array(aim), roll)


def look_at(position: Points, target: Points, roll: float = 0.0) -> Perspective:
    """A camera at a place that looks at another; roll in radians, clockwise."""
    ahead = (target - position) / np.linalg.norm(target - position)
    level = np.cross(ahead, (0.0, 1.0, 0.0))
    level /= np.linalg.norm(level)
    above = np.cross(level, ahead)
    s, c = np.sin(roll), np.cos(roll)
    axes = np.stack([c * level - s * above, s * level + c * above, ahead])
    return Perspective(position, axes, 1.0)


def draw_height(random: np.random.Generator, width: int) -> int:
    """Draws a picture's height in pixels."""
    return round(width * pick(random, ASPECTS, ASPECT_WEIGHTS))


def frame(
    random: np.random.Generator, view: Perspective, extent: Points, width: int,
    height: int,
) -> None:  # fmt: skip
    """Sets the picture so that a car fills much of it.

    Args:
        random: of the image.
        view: its scale and offset are set.
        extent: left, top, right and bottom that the car fills in it as it is.
        width: of the picture, pixels.
        height: of the picture, pixels.
    """
    low, size = extent[:2], extent[2:] - extent[:2]
    room = np.array([width, height])
    share = random.uniform(1.02, 1.15) if random.random() < CLOSE else (
        random.uniform(0.6, 0.94)
    )  # fmt: skip
    scale = share * float((room / size).min())
    free = room - scale * size
    left, top = random.uniform(0.25, 0.75), random.uniform(0.45, 0.8)
    view.offset = (view.offset - low) * scale + free * (left, top)
    view.scale *= scale
