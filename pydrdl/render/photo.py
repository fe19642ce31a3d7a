"""Photographs a vehicle: camera, road, light, what else is there, the sensor."""

from dataclasses import dataclass, replace
from enum import IntEnum
from functools import lru_cache

import cv2
import numpy as np
from numpy.random import Generator

from pydrdl.arrays import Bool, Pixels
from pydrdl.render.body import shell
from pydrdl.render.draws import CAR_IMAGE, VEHICLE, generator, happens, pick
from pydrdl.render.mesh import Mesh, Region, Stuff, joined
from pydrdl.render.model import FAMILIES, VehicleModel, draw_model
from pydrdl.render.painter import Glazier, Outline, Palette, extent, paint_mesh, palette
from pydrdl.render.scene import (
    CITY,
    SHIFT,
    Camera,
    Light,
    Road,
    View,
    cut,
    draw_camera,
    draw_light,
    draw_road,
    paint_road,
    paint_shadow,
)
from pydrdl.render.specimen import body_mesh, plates_mesh, specimen
from pydrdl.render.vehicle import PAINTS, PLATES, DrawnVehicle, draw_car

# Others are of a data set of their own, so that they tell nothing of this one.
OTHERS = 1 << 20
DIFFERENCE = 8  # intensities of 255, by which a mark is seen
ACROSS = (35.0, 50.0)  # degrees from a road's direction, of a camera at its side


@dataclass(frozen=True)
class Shot:
    """Everything about an image that is drawn before its pixels."""

    camera: Camera
    view: View  # cropped to the vehicle
    light: Light
    road: Road
    native: float  # how many of the sensor's pixels the crop is wide


def camera_of(seed: int, number: int, image: int) -> Camera:
    """Returns the camera that takes an image of a vehicle."""
    return _draw_camera(seed, generator(seed, number, image))


def _draw_camera(seed: int, random: Generator) -> Camera:
    return draw_camera(seed, int(random.integers(CITY)))


def photograph(
    model: VehicleModel, vehicle: DrawnVehicle, seed: int, number: int, image: int,
    size: int,
) -> Pixels:  # fmt: skip
    """Draws one image of a vehicle, a pure function of the arguments.

    The seed is the data set's; image is the number of the image among the vehicle's.

    Returns:
        size x size x 3, uint8, BGR.
    """
    random = generator(seed, number, image)
    camera = _draw_camera(seed, random)
    return _take(model, vehicle, seed, camera, random, size)[1]


class Viewpoint(IntEnum):
    """As CompCars' label files number them; SIDE is not drawn."""

    FRONT = 1
    REAR = 2
    SIDE = 3
    FRONT_SIDE = 4
    REAR_SIDE = 5


@dataclass(frozen=True)
class CarPhoto:
    """An image of the drawn CompCars, and what its label says."""

    pixels: Pixels  # size x size x 3, BGR
    viewpoint: Viewpoint
    box: tuple[int, int, int, int]  # left, top, right, bottom from 0, last excluded
    quality: int  # of its JPEG file


def viewpoint_of(seed: int, car: int, image: int) -> Viewpoint:
    """Returns the side that an image of a car model shows."""
    return draw_viewpoint(seed, generator(seed, car, image, kind=CAR_IMAGE))[0]


def draw_viewpoint(seed: int, random: Generator) -> tuple[Viewpoint, Camera]:
    """Draws which camera looks at a car, along the road or across it."""
    camera = _draw_camera(seed + OTHERS, random)  # another city than the vehicles'
    if happens(random, 0.5):
        return Viewpoint.FRONT if camera.front else Viewpoint.REAR, camera
    angle = np.deg2rad(random.uniform(*ACROSS)) * pick(random, (-1, 1))
    aside = camera.distance * float(np.sin(angle))
    along = camera.distance * float(np.cos(angle))
    viewpoint = Viewpoint.FRONT_SIDE if camera.front else Viewpoint.REAR_SIDE
    return viewpoint, replace(camera, aside=aside, distance=along, pan=-float(angle))


def photograph_car(
    model: VehicleModel, seed: int, car: int, image: int, size: int
) -> CarPhoto:
    """Draws one image of the car model with a number, as photograph does."""
    random = generator(seed, car, image, kind=CAR_IMAGE)
    viewpoint, camera = draw_viewpoint(seed, random)
    vehicle = draw_car(random)
    shot, pixels = _take(model, vehicle, seed, camera, random, size)
    box = car_box(model, vehicle, shot, size)
    return CarPhoto(pixels, viewpoint, box, camera.quality)


def car_box(
    model: VehicleModel, vehicle: DrawnVehicle, shot: Shot, size: int
) -> tuple[int, int, int, int]:
    """The least box of whole pixels that holds what of a car is in its picture."""
    around, fine = extent(specimen(model, vehicle).mesh, shot.view), _fineness(size)
    # OpenCV fills the pixels that an edge touches, and now and then one more.
    low = np.floor((around[:2] - 1) / fine).astype(int)
    high = np.floor((around[2:] + 1) / fine).astype(int) + 1
    left, top = np.maximum(low, 0).tolist()
    right, bottom = np.minimum(high, size).tolist()
    return left, top, right, bottom


def marks_apart(
    model: VehicleModel, vehicle: DrawnVehicle, other: DrawnVehicle, seed: int,
    number: int, image: int, size: int,
) -> Bool:  # fmt: skip
    """Where an image of a vehicle would look otherwise with another vehicle's marks.

    Camera, road and light stay, and so do paint, glass and plate: what is left is
    what tells two vehicles of one model and colour apart, its absence included.
    Arguments are as of photograph.

    Returns:
        size x size, whether a pixel differs by more than DIFFERENCE.
    """
    marked = replace(
        other, colour=vehicle.colour, paint=vehicle.paint, tint=vehicle.tint,
        plate=vehicle.plate,
    )  # fmt: skip
    large = size * _fineness(size)
    seen = []
    for painted in (vehicle, marked):
        random = generator(seed, number, image)
        camera = _draw_camera(seed, random)
        # The crop is the vehicle's own, whatever the other has on its roof.
        shot = draw_shot(model, vehicle, camera, random, large)
        pixels = _paint_scene(model, painted, seed, shot, random, large)
        small = cv2.resize(pixels, (size, size), interpolation=cv2.INTER_AREA)
        seen.append(small.astype(np.int16))
    return np.asarray(np.abs(seen[0] - seen[1]).max(axis=2) > DIFFERENCE)


def _fineness(size: int) -> int:
    """How many times larger an image is painted, to be averaged."""
    return 2 if size >= 112 else 4


def draw_shot(
    model: VehicleModel, vehicle: DrawnVehicle, camera: Camera,
    random: Generator, size: int,
) -> Shot:  # fmt: skip
    """Draws position, light and road of an image, whose crop is size pixels a side."""
    shift = random.normal(0, 0.35)
    yaw = random.normal(0, 0.07) - 0.3 * camera.pan * random.random()
    distance = camera.distance + random.uniform(-2.5, 3.5)
    view = View(camera, model.body.length, yaw, distance, camera.aside + shift)
    margins = random.uniform(-0.015, 0.11, 4)
    side = view.crop(specimen(model, vehicle).outline, size, margins)
    road = draw_road(random, camera.road)
    light = draw_light(random, view.turn, camera.heading, road.grey)
    return Shot(camera, view, light, road, side)


def _take(
    model: VehicleModel, vehicle: DrawnVehicle, seed: int, camera: Camera,
    random: Generator, size: int,
) -> tuple[Shot, Pixels]:  # fmt: skip
    large = size * _fineness(size)
    shot = draw_shot(model, vehicle, camera, random, large)
    pixels = _paint_scene(model, vehicle, seed, shot, random, large)
    small = cv2.resize(pixels, (size, size), interpolation=cv2.INTER_AREA)
    scene = _shadows(np.asarray(small, np.uint8), shot, random)
    return shot, _expose(scene, camera, shot.native, random)


def _paint_scene(
    model: VehicleModel, vehicle: DrawnVehicle, seed: int, shot: Shot,
    random: Generator, size: int,
) -> Pixels:  # fmt: skip
    """Paints the road, the vehicle and what else is there, size x size x 3."""
    view, light, body = shot.view, shot.light, model.body
    # The road is soft, half as many pixels do.
    scale, offset = view.scale, view.offset
    view.scale, view.offset = scale / 2, offset / 2
    road = paint_road(random, shot.road, view, light, size // 2)
    paint_shadow(road, view, light, body.width / 2, body.length, shell(body).outline)
    view.scale, view.offset = scale, offset
    resized = cv2.resize(road, (size, size), interpolation=cv2.INTER_LINEAR)
    pixels = np.asarray(resized, np.uint8)

    def dark_pane(region: Region, outline: Outline) -> None:
        cv2.fillConvexPoly(pixels, outline, (52, 48, 44), cv2.LINE_8, SHIFT)

    for behind in (True, False):
        other = _draw_other(seed, shot, random, behind, size)
        if not behind:
            paint_vehicle(pixels, model, vehicle, shot, random)
        if other is not None:
            paint_mesh(
                pixels, other[0], view, other[1], light, shot.camera.front, dark_pane
            )
    _occlude(pixels, random)
    return pixels


def paint_vehicle(
    pixels: Pixels, model: VehicleModel, vehicle: DrawnVehicle, shot: Shot,
    random: Generator,
) -> None:  # fmt: skip
    """Paints the vehicle alone, in place."""
    made, view, light = specimen(model, vehicle), shot.view, shot.light
    glazier = Glazier(
        pixels, view, light, made.colours, made.behind, vehicle.tint, random
    )
    front = shot.camera.front
    paint_mesh(pixels, made.mesh, view, made.colours, light, front, glazier)


@lru_cache(maxsize=64)
def _other_vehicle(seed: int, number: int) -> tuple[Mesh, Palette]:
    """Another vehicle without marks."""
    random = generator(seed + OTHERS, number, kind=VEHICLE)
    paint = pick(random, [colour for colour, _ in PAINTS.values()])
    own = {Stuff.PLATE: (PLATES[0], 0.1), Stuff.CARGO: (paint, 0.2)}
    model = draw_model(seed + OTHERS, number % len(FAMILIES))
    return joined([body_mesh(model), plates_mesh(model)]), palette(own, paint, [])


def _draw_other(
    seed: int, shot: Shot, random: Generator, behind: bool, size: int
) -> tuple[Mesh, Palette] | None:
    """Draws a vehicle in a neighbouring lane, farther from the camera or nearer."""
    if not happens(random, 0.3 if behind else 0.05):
        return None
    mesh, colours = _other_vehicle(seed, int(random.integers(42)))
    across = shot.road.lane * pick(random, (-1, 1)) + random.normal(0, 0.2)
    along = random.uniform(-12, -5) if behind else random.uniform(2.5, 4.5)
    shift = shot.view.place([(across, 0, along)])[0] - shot.view.near_end
    ends = shot.view.project(mesh.points[:: len(mesh.points) // 64] + shift)
    if (ends.max(axis=0) < 0).any() or (ends.min(axis=0) > size).any():
        return None  # outside the picture
    return replace(mesh, points=mesh.points + shift), colours


def _occlude(pixels: Pixels, random: Generator) -> None:
    """Puts a pole or a wire before some vehicles."""
    if not happens(random, 0.05):
        return
    size = pixels.shape[0]
    x, lean = random.uniform(0.08, 0.92) * size, random.uniform(-0.04, 0.04) * size
    width = max(1, round(random.uniform(0.008, 0.035) * size))
    grey = random.uniform(60, 170)
    ends = ((int(x), -2), (int(x + lean), size + 2))
    cv2.line(pixels, *ends, (grey, grey, grey), width, cv2.LINE_AA)


def _shadows(pixels: Pixels, shot: Shot, random: Generator) -> Pixels:
    """Shadows of trees or houses that fall on vehicle and road."""
    if not happens(random, 0.25):
        return pixels
    size = pixels.shape[0]
    if happens(random, 0.5):
        leaves = cut(random, 3, 96)
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


def _expose(pixels: Pixels, camera: Camera, native: float, random: Generator) -> Pixels:
    """Returns what the sensor records: resolution, blur, exposure, noise."""
    size = pixels.shape[0]
    if native < 0.9 * size:
        few = max(int(native), 8)
        small = cv2.resize(pixels, (few, few), interpolation=cv2.INTER_AREA)
        pixels = np.asarray(
            cv2.resize(small, (size, size), interpolation=cv2.INTER_LINEAR)
        )
    sigma = camera.sharpness * random.uniform(0.6, 1.9) * size / 256
    if sigma >= 0.25:
        reach = 3 if sigma < 0.9 else 5
        pixels = np.asarray(cv2.GaussianBlur(pixels, (reach, reach), sigma))
    if happens(random, 0.18):  # vehicles move down the image
        length = round(random.uniform(1.5, 5) * size / 256)
        if length >= 2:
            pixels = np.asarray(cv2.blur(pixels, (1, length)))
    exposed = cv2.LUT(pixels, _response(camera, float(pixels.mean()), random))
    sigma = camera.noise * random.uniform(0.6, 1.6)
    grain = cut(random, 1, size)
    return np.asarray(cv2.addWeighted(exposed, 1, grain, sigma / 32, -128 * sigma / 32))


def _response(camera: Camera, mean: float, random: Generator) -> Pixels:
    """The exposure, contrast and colours of an image as a table, 1 x 256 x 3."""
    gain = np.clip(random.uniform(88, 138) / max(mean, 1), 0.75, 1.7)
    level = np.linspace(0, 1, 256)[:, None] * np.array(camera.cast)
    level = level * (1 + random.normal(0, 0.012, 3)) * gain
    haze = random.uniform(0, 0.09) if happens(random, 0.5) else 0.0
    bent = np.clip(level * (1 - haze) + haze, 0, 1) ** random.uniform(0.85, 1.15)
    return np.asarray((bent * 255).astype(np.uint8)[None])


def encode(pixels: Pixels, quality: int) -> bytes:
    """Returns an image as JPEG."""
    flags = [cv2.IMWRITE_JPEG_QUALITY, quality]
    return cv2.imencode(".jpg", pixels, flags)[1].tobytes()
