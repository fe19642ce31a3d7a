"""Photographs a car model as people put it on the web."""

from copy import copy
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pydrdl.render import photo
from pydrdl.render.cabin import Glazier
from pydrdl.render.camera import Perspective
from pydrdl.render.cars import draw_specimen
from pydrdl.render.draws import WEB, generator, pick
from pydrdl.render.marks import specimen
from pydrdl.render.model import Model
from pydrdl.render.photo import other_vehicle
from pydrdl.render.scene import (
    SHIFT,
    Pixels,
    end_seen,
    extent,
    paint_mesh,
    paint_shadow,
)
from pydrdl.render.shell import shell
from pydrdl.render.surroundings import Place, draw_place, paint_surroundings
from pydrdl.render.vehicle import Vehicle
from pydrdl.render.web_camera import (
    Pocket,
    Viewpoint,
    draw_height,
    draw_perspective,
    draw_pocket,
    draw_viewpoint,
    frame,
)

OTHERS = 42  # vehicles that stand around, of which each is one


@dataclass(frozen=True)
class WebShot:
    """Everything about an image that is drawn before its pixels.

    Attributes:
        viewpoint: the side that it shows.
        vehicle: the specimen.
        view: the photographer's.
        place: where.
        camera: the photographer's.
        width, height: pixels.
    """

    viewpoint: Viewpoint
    vehicle: Vehicle
    view: Perspective
    place: Place
    camera: Pocket
    width: int
    height: int


@dataclass(frozen=True)
class WebPhoto:
    """An image and what its label says.

    Attributes:
        pixels: height x width x 3, BGR.
        viewpoint: the side that it shows.
        box: left, top, right and bottom of the car, from 0, the last excluded.
        quality: of its JPEG file.
    """

    pixels: Pixels
    viewpoint: Viewpoint
    box: tuple[int, int, int, int]
    quality: int


def viewpoint_of(seed: int, car: int, image: int) -> Viewpoint:
    """Returns the side that an image of a car model shows."""
    return draw_viewpoint(generator(seed, car, image, kind=WEB))


def draw_shot(model: Model, random: np.random.Generator, size: int) -> WebShot:
    """Draws all about an image but its pixels.

    Args:
        model: what is photographed.
        random: of the image.
        size: pixels of the picture's width.
    """
    viewpoint = draw_viewpoint(random)
    vehicle, camera, place = (
        draw_specimen(random),
        draw_pocket(random),
        draw_place(random),
    )
    view = draw_perspective(random, viewpoint, model.body)
    height = draw_height(random, size)
    around = extent(specimen(model, vehicle).mesh, view)
    frame(random, view, around, size, height)
    return WebShot(viewpoint, vehicle, view, place, camera, size, height)


def photograph_car(
    model: Model, seed: int, car: int, image: int, size: int
) -> WebPhoto:
    """Draws one image of a car model, a pure function of the arguments.

    Args:
        model: its geometry.
        seed: of the data set.
        car: the model's number.
        image: the number of the image among the model's.
        size: pixels of the picture's width.
    """
    random = generator(seed, car, image, kind=WEB)
    fine = 2 if size >= 112 else 4  # painted larger, then averaged
    shot = draw_shot(model, random, size * fine)
    pixels = paint_surroundings(random, shot.place, shot.view, shot.width, shot.height)
    _paint_other(random, pixels, seed, model, shot)
    body = model.body
    paint_shadow(pixels, shot.view, shot.place.light, body.width / 2, body.length,
                 shell(body).outline)  # fmt: skip
    paint_car(pixels, model, shot, random)
    height = shot.height // fine
    few = cv2.resize(pixels[: height * fine], (size, height),
                     interpolation=cv2.INTER_AREA)  # fmt: skip
    native = shot.camera.resolved * size
    seen = photo.expose(np.asarray(few, np.uint8), shot.camera, native, random)
    box = car_box(model, shot, fine)
    return WebPhoto(seen, shot.viewpoint, box, shot.camera.quality)


def paint_car(
    pixels: Pixels, model: Model, shot: WebShot, random: np.random.Generator
) -> None:
    """Paints the car alone, in place."""
    made, light = specimen(model, shot.vehicle), shot.place.light
    glazier = Glazier(pixels, shot.view, light, made.colours, made.behind,
                      shot.vehicle.tint, random)  # fmt: skip
    paint_mesh(pixels, made.mesh, shot.view, made.colours, light,
               end_seen(shot.view, made.mesh), glazier.paint)  # fmt: skip


def car_box(model: Model, shot: WebShot, fine: int) -> tuple[int, int, int, int]:
    """The least box of whole pixels that holds what of the car is in the picture.

    Args:
        model: what is photographed.
        shot: of the larger picture.
        fine: how many of its pixels, across and down, make one.

    Returns:
        Left, top, right and bottom from 0, the last excluded.
    """
    around = extent(specimen(model, shot.vehicle).mesh, shot.view)
    # OpenCV fills the pixels that an edge touches, and now and then one more.
    low = np.floor((around[:2] - 1) / fine).astype(int)
    high = np.floor((around[2:] + 1) / fine).astype(int) + 1
    left, top = np.maximum(low, 0).tolist()
    right, bottom = np.minimum(high, (shot.width // fine, shot.height // fine)).tolist()
    return left, top, right, bottom


def _paint_other(
    random: np.random.Generator, pixels: Pixels, seed: int, model: Model, shot: WebShot
) -> None:
    """Puts another vehicle behind the car, in streets and on car parks."""
    chance = {"street": 0.35, "lot": 0.7}.get(shot.place.kind, 0.0)
    if random.random() > chance:
        return
    mesh, colours = other_vehicle(seed, int(random.integers(OTHERS)))
    x, _, z = shot.view.position
    width, _, length = np.ptp(mesh.points, axis=0).tolist()
    if abs(x) > abs(z):  # the next bay or lane
        apart = (width + model.body.width) / 2 + random.uniform(0.5, 1.6)
        shift = (-np.sign(x) * apart, 0.0, random.uniform(-2.5, 2.5))
    else:  # ahead or behind, in its lane or in the next one
        apart = (length + model.body.length) / 2 + random.uniform(0.8, 4)
        shift = (pick(random, (-2.6, 0.0, 2.6)), 0.0, -np.sign(z) * apart)
    view, light = copy(shot.view), shot.place.light
    view.position = view.position - np.array(shift)  # of it, not of the car
    paint_shadow(pixels, view, light, 0.45 * width, length, mesh.points[::16])
    paint_mesh(pixels, mesh, view, colours, light, end_seen(view, mesh),
               lambda part, shape: _dark(pixels, shape))  # fmt: skip


def _dark(pixels: Pixels, outline: NDArray[np.int32]) -> None:
    cv2.fillConvexPoly(pixels, outline, (52, 48, 44), cv2.LINE_8, SHIFT)
