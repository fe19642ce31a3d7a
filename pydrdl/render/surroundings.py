"""What is around a car that somebody photographs: streets, parks, showrooms."""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from pydrdl.render.camera import Perspective
from pydrdl.render.draws import pick
from pydrdl.render.material import Colour, Light, draw_light, shaded
from pydrdl.render.mesh import Points
from pydrdl.render.scene import Pixels, cut, fill

PLACES = {"street": 0.32, "park": 0.24, "lot": 0.2, "showroom": 0.14, "studio": 0.1}
GROUNDS: dict[str, tuple[float, float]] = {  # grey levels
    "street": (90, 150), "park": (105, 165), "lot": (90, 140), "showroom": (120, 205),
    "studio": (150, 235),
}  # fmt: skip
WALLS: tuple[Colour, ...] = (
    (150, 170, 190), (90, 105, 150), (175, 175, 175), (205, 215, 220), (110, 120, 125),
    (130, 150, 165), (165, 160, 150),
)  # fmt: skip
SOFT = 4  # the background is painted with so many times fewer pixels
FAR = 1000.0  # metres, as good as the horizon


@dataclass(frozen=True)
class Place:
    """Where an image is taken.

    Attributes:
        kind: one of PLACES.
        ground: its grey, 0 to 255.
        light: there.
    """

    kind: str
    ground: float
    light: Light

    @property
    def indoors(self) -> bool:
        """Whether no sun comes in."""
        return self.kind in ("showroom", "studio")


def draw_place(random: np.random.Generator) -> Place:
    """Draws where, and in what light, an image is taken."""
    kind = pick(random, list(PLACES), list(PLACES.values()))
    ground = float(random.uniform(*GROUNDS[kind]))
    heading = random.uniform(0, 2 * np.pi)
    light = draw_light(random, np.eye(3), heading, ground)
    if kind in ("showroom", "studio"):  # lamps: from above, and from all sides
        glow = random.uniform(215, 250)
        light = replace(
            light, strength=random.uniform(0.05, 0.14), ambient=random.uniform(0.8, 1),
            sky=(glow, glow, glow * random.uniform(0.97, 1.03)),
        )  # fmt: skip
    return Place(kind, ground, light)


class _Stage:
    """Ground and background of a camera.

    Its frame: metres to the camera's right, up, and away from it, from the road
    below the car.
    """

    def __init__(self, view: Perspective, pixels: Pixels, bright: float) -> None:
        self.view, self.pixels, self.bright = view, pixels, bright
        ahead = view.axes[2] * (1, 0, 1)
        self.ahead = ahead / np.linalg.norm(ahead)
        self.right = np.array([-self.ahead[2], 0.0, self.ahead[0]])

    def at(self, right: float, up: float, away: float) -> Points:
        return np.asarray(right * self.right + away * self.ahead + (0.0, up, 0.0))

    def upright(
        self, left: float, right: float, low: float, high: float, away: float,
        colour: Colour,
    ) -> None:  # fmt: skip
        """Paints a rectangle that stands across the view."""
        corners = ((left, low), (right, low), (right, high), (left, high))
        points = np.array([self.at(x, y, away) for x, y in corners])
        fill(self.pixels, self.view, points, shaded(colour, self.bright))

    def strip(self, near: float, far: float, colour: Colour) -> None:
        """Paints a strip of the ground across the view."""
        wide = 4 * (far + 20)
        corners = ((-wide, near), (wide, near), (wide, far), (-wide, far))
        points = np.array([self.at(x, 0.0, z) for x, z in corners])
        fill(self.pixels, self.view, points, shaded(colour, self.bright))

    def below_horizon(self) -> NDArray[np.float64]:
        """How far below the horizon each pixel is, shares of the height."""
        height, width = self.pixels.shape[:2]
        sides = self.view.project(
            self.view.position + FAR * (self.ahead + np.outer((-0.5, 0.5), self.right))
        )
        (x0, y0), (x1, y1) = sides
        slope = (y1 - y0) / (x1 - x0)
        horizon = y0 + slope * (np.arange(width) - x0)
        return np.asarray((np.arange(height)[:, None] - horizon) / height)


def paint_surroundings(
    random: np.random.Generator,
    place: Place,
    view: Perspective,
    width: int,
    height: int,
) -> Pixels:  # fmt: skip
    """Paints an image without the car, height x width x 3."""
    few = np.zeros((-(-height // SOFT), -(-width // SOFT), 3), np.uint8)
    distant = copy(view)
    distant.scale, distant.offset = view.scale / SOFT, view.offset / SOFT
    light = place.light
    bright = light.ambient + 0.6 * light.strength * max(float(light.sun[1]), 0)
    stage = _Stage(distant, few, bright)
    _paint_sky_and_ground(random, stage, place)
    BACKGROUNDS[place.kind](random, stage)
    if not place.indoors:
        grain = cut(random, 0, *few.shape[:2])
        rough = cv2.cvtColor(grain, cv2.COLOR_GRAY2BGR)
        few = np.asarray(cv2.addWeighted(few, 1, rough, 0.8, -128 * 0.8), np.uint8)
    size = (few.shape[1] * SOFT, few.shape[0] * SOFT)
    wide = cv2.resize(few, size, interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(wide[:height, :width])


def _paint_sky_and_ground(
    random: np.random.Generator, stage: _Stage, place: Place
) -> None:
    below = stage.below_horizon()[..., None]
    tint = 1 + random.normal(0, 0.02, 3)
    ground = place.ground * stage.bright * tint * (0.88 + 0.3 * np.clip(below, 0, 0.8))
    blue = np.array([1.0, 0.86, 0.72]) if place.light.strength > 0.2 else 0.92
    sky = np.array(place.light.sky)
    up = np.clip(-below / 0.7, 0, 1)
    above = sky * (1 - up) + sky * blue * up
    shown = np.where(below > 0, ground, above)
    stage.pixels[:] = np.clip(shown, 0, 255).astype(np.uint8)


def _street(random: np.random.Generator, stage: _Stage) -> None:
    """Pavement and houses."""
    away = random.uniform(4, 16)
    stage.strip(away - random.uniform(1.5, 3), away, (160, 165, 168))
    left = random.uniform(-48, -36)
    while left < 40:
        right = left + random.uniform(6, 16)
        high = random.uniform(5, 14)
        wall = pick(random, WALLS)
        stage.upright(left, right, 0, high, away, wall)
        _windows(random, stage, left, right, high, away)
        left = right + (random.uniform(1, 5) if random.random() < 0.2 else 0)
    if random.random() < 0.6:
        _trees(random, stage, away - 1.5, int(random.integers(1, 5)), 14)


def _windows(
    random: np.random.Generator, stage: _Stage, left: float, right: float, high: float,
    away: float,
) -> None:  # fmt: skip
    pane = pick(random, ((70, 62, 55), (120, 110, 100), (45, 42, 40)))
    pitch = random.uniform(2.2, 3.4)
    for low in np.arange(0.8, high - 2.2, 3.1):
        for x in np.arange(left + 0.6, right - 1.2, pitch):
            stage.upright(x, x + 0.55 * pitch, low, low + 1.6, away, pane)


def _trees(
    random: np.random.Generator, stage: _Stage, away: float, count: int, spread: float
) -> None:
    """Trunks and crowns."""
    for x in random.uniform(-spread, spread, count).tolist():
        trunk, crown = random.uniform(1.8, 3), random.uniform(1.5, 3)
        stage.upright(x - 0.15, x + 0.15, 0, trunk, away, (50, 60, 72))
        green = shaded((40, 98, 72), random.uniform(0.7, 1.25))
        for _ in range(4):
            aside = random.normal(0, 0.4 * crown)
            up = trunk + random.uniform(0.2, 1.2) * crown
            middle = stage.at(x + aside, up, away)
            circle = [
                middle + 0.7 * crown * (np.cos(a) * stage.right + (0, np.sin(a), 0))
                for a in np.linspace(0, 2 * np.pi, 10, endpoint=False)
            ]
            colour = shaded(green, stage.bright * random.uniform(0.85, 1.15))
            fill(stage.pixels, stage.view, np.array(circle), colour)


def _park(random: np.random.Generator, stage: _Stage) -> None:
    """Grass, a hedge or wood, and trees before it."""
    grass = shaded((60, 112, 92), random.uniform(0.8, 1.2))
    stage.strip(random.uniform(1.5, 6), 150, grass)
    away = random.uniform(10, 40)
    wood = shaded((44, 84, 62), random.uniform(0.7, 1.2))
    left = -3 * away
    while left < 3 * away:
        right = left + random.uniform(0.1, 0.35) * away
        stage.upright(left, right, 0, random.uniform(0.1, 0.35) * away, away, wood)
        wood = shaded(wood, random.uniform(0.93, 1.07))
        left = right
    _trees(random, stage, away * 0.7, int(random.integers(0, 6)), 0.8 * away)


def _lot(random: np.random.Generator, stage: _Stage) -> None:
    """Bays, a fence or a wall, sheds behind it."""
    pitch, shift = random.uniform(2.3, 2.7), random.uniform(0, 2)
    for x in np.arange(-30, 30, pitch):
        corners = ((x, 2.5), (x + 0.12, 2.5), (x + 0.12, 7.5), (x, 7.5))
        points = np.array([stage.at(s + shift, 0.0, z) for s, z in corners])
        fill(stage.pixels, stage.view, points, shaded((215, 218, 218), stage.bright))
    away = random.uniform(9, 30)
    if random.random() < 0.6:
        stage.upright(-60, 60, 0, random.uniform(3, 8), away + 8, pick(random, WALLS))
    stage.upright(-60, 60, 0, random.uniform(0.6, 2.2), away, pick(random, WALLS))
    _trees(random, stage, away + 2, int(random.integers(0, 5)), 20)


def _showroom(random: np.random.Generator, stage: _Stage) -> None:
    """A wall with panels, and rows of lamps."""
    away = random.uniform(2.5, 7)
    wall = shaded(pick(random, ((225, 225, 225), (60, 56, 54), (200, 190, 180))),
                  random.uniform(0.85, 1.05))  # fmt: skip
    stage.upright(-40, 40, 0, 40, away, wall)
    panel = pick(random, ((40, 34, 170), (150, 90, 30), (240, 240, 240), (40, 40, 40)))
    for x in np.arange(-15 + random.uniform(0, 4), 15, random.uniform(3, 7)):
        if random.random() < 0.6:
            width = random.uniform(0.8, 2.5)
            low = random.uniform(0, 1.2)
            stage.upright(x, x + width, low, random.uniform(1.8, 4), away, panel)
    for x in np.arange(-8, 8, random.uniform(1, 2.5)):
        stage.upright(x, x + 0.4, 4.2, 4.4, away - 1, (255, 255, 255))


def _studio(random: np.random.Generator, stage: _Stage) -> None:
    """Paper that runs from the floor up, without an edge."""
    tall = stage.pixels.shape[0]
    base = stage.pixels[-1].mean(axis=0)
    ramp = np.linspace(random.uniform(0.8, 1.15), 1.0, tall)[:, None]
    stage.pixels[:] = np.clip(base * ramp, 0, 255).astype(np.uint8)[:, None]


BACKGROUNDS: dict[str, Callable[[np.random.Generator, _Stage], None]] = {
    "street": _street, "park": _park, "lot": _lot, "showroom": _showroom,
    "studio": _studio,
}  # fmt: skip
