"""What a camera makes of a scene: resolution, blur, exposure, noise, JPEG."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from pydrdl.render.body import body_mesh, plates_mesh
from pydrdl.render.cabin import Glazier
from pydrdl.render.camera import CITY, Camera, View, draw_camera
from pydrdl.render.draws import VEHICLE, generator, pick
from pydrdl.render.marks import specimen
from pydrdl.render.material import Light, Palette, Stuff, draw_light, palette
from pydrdl.render.mesh import Mesh, joined
from pydrdl.render.model import FAMILIES, Model, draw_model
from pydrdl.render.scene import (
    SHIFT,
    Pixels,
    Road,
    cut,
    draw_road,
    paint_mesh,
    paint_road,
    paint_shadow,
)
from pydrdl.render.shell import shell
from pydrdl.render.vehicle import PAINTS, PLATES, Vehicle


class Sensor(Protocol):
    """What of a camera tells how a scene is recorded; see camera.Camera."""

    @property
    def cast(self) -> tuple[float, float, float]:
        """What it makes of blue, green and red."""
        ...

    @property
    def sharpness(self) -> float:
        """Sigma of its blur at 256 pixels."""
        ...

    @property
    def noise(self) -> float:
        """Standard deviation at medium light, of 255."""
        ...


def expose(
    pixels: Pixels, camera: Sensor, native: float, random: np.random.Generator
) -> Pixels:
    """Returns what the sensor records of a scene.

    Args:
        pixels: height x width x 3.
        camera: the one that looks.
        native: how many of its pixels the crop is wide.
        random: of the image.
    """
    height, size = pixels.shape[:2]
    shown = _focused(pixels, camera, native, size, random)
    if random.random() < 0.18:
        shown = _moved(shown, size, random)
    exposed = cv2.LUT(shown, _response(camera, float(shown.mean()), random))
    sigma = camera.noise * random.uniform(0.6, 1.6)
    grain = cut(random, 1, height, size)
    noisy = cv2.addWeighted(exposed, 1, grain, sigma / 32, -128 * sigma / 32)
    return np.asarray(noisy, np.uint8)


def _focused(
    pixels: Pixels, camera: Sensor, native: float, size: int,
    random: np.random.Generator,
) -> Pixels:  # fmt: skip
    """Takes away what the sensor and the lens do not resolve."""
    if native < 0.9 * size:
        few = max(int(native), 8)
        height = pixels.shape[0]
        fewer = max(few * height // size, 1)
        small = cv2.resize(pixels, (few, fewer), interpolation=cv2.INTER_AREA)
        pixels = np.asarray(
            cv2.resize(small, (size, height), interpolation=cv2.INTER_LINEAR), np.uint8
        )
    sigma = camera.sharpness * random.uniform(0.6, 1.9) * size / 256
    if sigma < 0.25:
        return pixels
    reach = 3 if sigma < 0.9 else 5
    return np.asarray(cv2.GaussianBlur(pixels, (reach, reach), sigma), np.uint8)


def _moved(pixels: Pixels, size: int, random: np.random.Generator) -> Pixels:
    """Blurs along the way that a vehicle moves: down the image."""
    length = round(random.uniform(1.5, 5) * size / 256)
    if length < 2:
        return pixels
    return np.asarray(cv2.blur(pixels, (1, length)), np.uint8)


def _response(camera: Sensor, mean: float, random: np.random.Generator) -> Pixels:
    """The exposure, contrast and colours of an image as a table, 1 x 256 x 3."""
    gain = np.clip(random.uniform(88, 138) / max(mean, 1), 0.75, 1.7)
    level = np.linspace(0, 1, 256)[:, None] * np.array(camera.cast)
    level = level * (1 + random.normal(0, 0.012, 3)) * gain
    haze = random.uniform(0, 0.09) if random.random() < 0.5 else 0.0
    bent = np.clip(level * (1 - haze) + haze, 0, 1) ** random.uniform(0.85, 1.15)
    return np.asarray((bent * 255).astype(np.uint8)[None])


def encode(pixels: Pixels, quality: int) -> bytes:
    """Returns an image as JPEG."""
    flags = [cv2.IMWRITE_JPEG_QUALITY, quality]
    return cv2.imencode(".jpg", pixels, flags)[1].tobytes()


# What else passes a camera: other vehicles, and poles that hide some.


# Others are of a data set of their own, so that they tell nothing of this one.
OTHERS = 1 << 20


@lru_cache(maxsize=64)
def other_vehicle(seed: int, number: int) -> tuple[Mesh, Palette]:
    """Another vehicle without marks."""
    random = generator(seed + OTHERS, number, kind=VEHICLE)
    paint = pick(random, [colour for colour, _ in PAINTS.values()])
    colours = palette(
        {Stuff.PLATE: (PLATES[0], 0.1), Stuff.CARGO: (paint, 0.2)}, paint, []
    )
    model = draw_model(seed + OTHERS, number % len(FAMILIES))
    return joined([body_mesh(model), plates_mesh(model)]), colours


def passing_mesh(
    seed: int, lane: float, view: View, random: np.random.Generator, behind: bool,
    size: int,
) -> tuple[Mesh, Palette] | None:  # fmt: skip
    """Draws a vehicle in a neighbouring lane, or None.

    Args:
        seed: of the data set.
        lane: width of a lane, metres.
        view: of the camera.
        random: of the image.
        behind: whether it is farther from the camera, otherwise nearer.
        size: pixels a side of the picture.
    """
    if random.random() > (0.3 if behind else 0.05):
        return None
    mesh, colours = other_vehicle(seed, int(random.integers(42)))
    across = lane * pick(random, (-1, 1)) + random.normal(0, 0.2)
    along = random.uniform(-12, -5) if behind else random.uniform(2.5, 4.5)
    shift = view.place([(across, 0, along)])[0] - view.near_end
    ends = view.project(mesh.points[:: len(mesh.points) // 64] + shift)
    if (ends.max(axis=0) < 0).any() or (ends.min(axis=0) > size).any():
        return None  # outside the picture
    return replace(mesh, points=mesh.points + shift), colours


def occlude(pixels: Pixels, random: np.random.Generator) -> None:
    """Puts a pole or a wire before some vehicles."""
    if random.random() > 0.05:
        return
    size = pixels.shape[0]
    x, lean = random.uniform(0.08, 0.92) * size, random.uniform(-0.04, 0.04) * size
    width = max(1, round(random.uniform(0.008, 0.035) * size))
    grey = random.uniform(60, 170)
    ends = ((int(x), -2), (int(x + lean), size + 2))
    cv2.line(pixels, *ends, (grey, grey, grey), width, cv2.LINE_AA)


# Photographs a vehicle: camera, road, light, what else passes, the sensor.


@dataclass(frozen=True)
class Shot:
    """Everything about an image that is drawn before its pixels.

    Attributes:
        camera: which looks.
        view: its perspective, cropped to the vehicle.
        light: of the time of day.
        road: around.
        native: how many of the sensor's pixels the crop is wide.
    """

    camera: Camera
    view: View
    light: Light
    road: Road
    native: float


def camera_of(seed: int, number: int, image: int) -> Camera:
    """Returns the camera that takes an image of a vehicle."""
    return _draw_camera(seed, generator(seed, number, image))


def _draw_camera(seed: int, random: np.random.Generator) -> Camera:
    return draw_camera(seed, int(random.integers(CITY)))


def draw_shot(
    model: Model, vehicle: Vehicle, seed: int, random: np.random.Generator, size: int
) -> Shot:
    """Draws camera, position, light and road of an image.

    Args:
        model: what is photographed.
        vehicle: its load belongs into the picture.
        seed: of the data set.
        random: of the image.
        size: pixels a side of the crop.
    """
    camera = _draw_camera(seed, random)
    shift = random.normal(0, 0.35)
    yaw = random.normal(0, 0.07) - 0.3 * camera.pan * random.random()
    distance = camera.distance + random.uniform(-2.5, 3.5)
    view = View(camera, model.body.length, yaw, distance, camera.aside + shift)
    margins = random.uniform(-0.015, 0.11, 4)
    side = view.crop(specimen(model, vehicle).outline, size, margins)
    road = draw_road(random, camera.road)
    light = draw_light(random, view.turn, camera.heading, road.grey)
    return Shot(camera, view, light, road, side)


def photograph(
    model: Model, vehicle: Vehicle, seed: int, number: int, image: int, size: int
) -> Pixels:
    """Draws one image of a vehicle.

    Args:
        model: its geometry.
        vehicle: its paint and marks.
        seed: of the data set.
        number: the vehicle's number.
        image: the number of the image among the vehicle's.
        size: pixels a side.

    Returns:
        size x size x 3, uint8, BGR; a pure function of the arguments.
    """
    random = generator(seed, number, image)
    large = size * (2 if size >= 112 else 4)  # painted larger, then averaged
    shot = draw_shot(model, vehicle, seed, random, large)
    pixels = paint_scene(model, vehicle, seed, shot, random, large)
    small = cv2.resize(pixels, (size, size), interpolation=cv2.INTER_AREA)
    scene = _weather(np.asarray(small, np.uint8), shot, random)
    return expose(scene, shot.camera, shot.native, random)


def paint_scene(
    model: Model, vehicle: Vehicle, seed: int, shot: Shot,
    random: np.random.Generator, size: int,
) -> Pixels:  # fmt: skip
    """Paints the road, the vehicle and what else passes, size x size x 3."""
    view, light, front = shot.view, shot.light, shot.camera.front
    # The road is soft, half as many pixels do.
    scale, offset = view.scale, view.offset
    view.scale, view.offset = scale / 2, offset / 2
    road = paint_road(random, shot.road, view, light, size // 2)
    body, outline = model.body, shell(model.body).outline
    paint_shadow(road, view, light, body.width / 2, body.length, outline)
    view.scale, view.offset = scale, offset
    pixels = np.asarray(
        cv2.resize(road, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8
    )
    for behind in (True, False):
        other = passing_mesh(seed, shot.road.lane, view, random, behind, size)
        if not behind:
            paint_vehicle(pixels, model, vehicle, shot, random)
        if other is not None:
            mesh, colours = other
            paint_mesh(pixels, mesh, view, colours, light, front,
                       lambda part, shape: _dark_pane(pixels, shape))  # fmt: skip
    occlude(pixels, random)
    return pixels


def paint_vehicle(
    pixels: Pixels, model: Model, vehicle: Vehicle, shot: Shot,
    random: np.random.Generator,
) -> None:  # fmt: skip
    """Paints the vehicle alone, in place."""
    made = specimen(model, vehicle)
    glazier = Glazier(pixels, shot.view, shot.light, made.colours, made.behind,
                      vehicle.tint, random)  # fmt: skip
    paint_mesh(pixels, made.mesh, shot.view, made.colours, shot.light,
               shot.camera.front, glazier.paint)  # fmt: skip


def _dark_pane(pixels: Pixels, outline: NDArray[np.int32]) -> None:
    cv2.fillConvexPoly(pixels, outline, (52, 48, 44), cv2.LINE_8, SHIFT)


def _weather(pixels: Pixels, shot: Shot, random: np.random.Generator) -> Pixels:
    """Shadows of trees or houses that fall on vehicle and road."""
    if random.random() > 0.25:
        return pixels
    size = pixels.shape[0]
    if random.random() < 0.5:
        leaves = cut(random, 3, 96, 96)
        mask = cv2.threshold(leaves, 128, 255, cv2.THRESH_BINARY)[1]
    else:
        mask = np.full((96, 96), 255, np.uint8)
        a, b = random.uniform(-48, 144, 2)
        edge = np.array([(a, -2), (b, 98), (-60, 98), (-60, -2)], np.int32)
        cv2.fillPoly(mask, [edge], 0)
    darkest = random.uniform(0.5, 0.8) if shot.light.strength > 0.2 else 0.85
    soft = cv2.blur(mask, (5, 5)).astype(np.float32) / 255 * (1 - darkest) + darkest
    wide = cv2.resize(soft, (size, size), interpolation=cv2.INTER_LINEAR)
    return np.asarray((pixels * wide[..., None]).astype(np.uint8))
