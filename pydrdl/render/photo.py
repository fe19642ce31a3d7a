"""Photographs a vehicle: camera, road, light, what else passes, the sensor."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pydrdl.render import sensor
from pydrdl.render.cabin import Glazier
from pydrdl.render.camera import CITY, Camera, View, draw_camera
from pydrdl.render.chance import generator
from pydrdl.render.light import Light, draw_light
from pydrdl.render.marks import specimen
from pydrdl.render.model import Model
from pydrdl.render.painter import SHIFT, Pixels, paint_mesh
from pydrdl.render.passing import occlude, passing_mesh
from pydrdl.render.road import Road, cut, draw_road, paint_road, paint_shadow
from pydrdl.render.shell import shell
from pydrdl.render.vehicle import Vehicle


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
    return sensor.expose(scene, shot.camera, shot.native, random)


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
