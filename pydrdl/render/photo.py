"""Photographs a vehicle: camera, road, light, blur, noise, JPEG."""

import cv2
import numpy as np
from numpy.typing import NDArray

from pydrdl.render.body import draw_body, draw_load, draw_mirrors, shell
from pydrdl.render.canvas import Canvas
from pydrdl.render.chance import generator
from pydrdl.render.colour import Colour, shaded
from pydrdl.render.ends import draw_back, draw_front
from pydrdl.render.glass import draw_glass
from pydrdl.render.model import Model
from pydrdl.render.vehicle import Vehicle

Pixels = NDArray[np.uint8]
FRONT = 0.6  # share of the images that show the front


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
    front = bool(random.random() < FRONT)
    large = 2 * size  # drawn at twice the size, then averaged
    pixels = _road(random, large)
    canvas = Canvas(
        pixels,
        yaw=float(random.normal(0, 0.13)),
        pitch=float(random.uniform(0.16, 0.42)),
        distance=float(random.uniform(9, 16)),
        focus=(0, 0.8, 1.5),
    )
    parts = shell(model, front)
    margin = random.uniform(0.02, 0.1, 4) * large
    box = (margin[0], margin[1], large - margin[2], large - margin[3])
    canvas.frame(parts.outline(), box)
    _markings(canvas, random)
    _shadow(canvas, model, random)
    if not front:  # then they are behind the rest
        draw_mirrors(canvas, model, vehicle, front)
    draw_body(canvas, model, vehicle, parts, front)
    draw_glass(canvas, model, vehicle, parts.glass, front, random)
    (draw_front if front else draw_back)(canvas, model, vehicle, parts.end)
    if front:
        draw_mirrors(canvas, model, vehicle, front)
    draw_load(canvas, vehicle, parts)
    small = cv2.resize(
        _skewed(pixels, random), (size, size), interpolation=cv2.INTER_AREA
    )
    return _exposed(np.asarray(small, np.uint8), random)


def encode(pixels: Pixels, seed: int, number: int, image: int) -> bytes:
    """Returns an image as JPEG, of a quality that varies by image."""
    random = generator(seed, number, image, 1)
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(70, 96))]
    return cv2.imencode(".jpg", pixels, quality)[1].tobytes()


def _road(random: np.random.Generator, size: int) -> Pixels:
    """Asphalt: a grey that gets lighter with distance, with coarse grain."""
    grey = random.uniform(75, 135) + random.normal(0, 2, 3)
    slope = np.linspace(random.uniform(5, 30), -random.uniform(5, 20), size)
    coarse = random.normal(0, 6, (24, 24)).astype(np.float32)
    grain = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    road = grey + slope[:, None, None] + grain[..., None]
    return np.clip(road, 0, 255).astype(np.uint8)


def _markings(canvas: Canvas, random: np.random.Generator) -> None:
    """Lane lines, and at times a verge or a crossing."""

    def ground(left: float, right: float, near: float, far: float) -> None:
        corners = [(left, 0, near), (right, 0, near), (right, 0, far), (left, 0, far)]
        canvas.fill(np.array(corners, float), colour)

    side = 1 if random.random() < 0.5 else -1
    if random.random() < 0.35:
        colour: Colour = (70, 120, 95) if random.random() < 0.5 else (150, 155, 160)
        edge = side * random.uniform(1.9, 2.6)
        ground(min(edge, side * 20), max(edge, side * 20), -6, 40)
    colour = shaded((225, 228, 230), random.uniform(0.75, 1.0))
    if random.random() < 0.15:
        for x in np.arange(-6, 6, 0.9):
            ground(x, x + 0.45, -2.5, -0.4)
    middle = random.uniform(-0.35, 0.35)
    for x in (middle - 1.7, middle + 1.7):
        dashed = random.random() < 0.6
        for near in np.arange(-8, 30, 3.5):
            ground(x - 0.07, x + 0.07, near, near + (1.8 if dashed else 3.6))


def _shadow(canvas: Canvas, model: Model, random: np.random.Generator) -> None:
    """The shadow on the road, its edge soft."""
    before = canvas.pixels.copy()
    w, length = model.width / 2 + 0.05, model.length
    sun = random.uniform(-0.9, 0.9)
    corners = [(-w + min(sun, 0), 0, -0.1), (w + max(sun, 0), 0, -0.1),
               (w + max(sun, 0), 0, length), (-w + min(sun, 0), 0, length)]  # fmt: skip
    canvas.fill(np.array(corners), (28, 26, 26))
    soft = cv2.blur(canvas.pixels, (canvas.pixels.shape[1] // 24,) * 2)
    depth = random.uniform(0.45, 0.85)
    cv2.addWeighted(soft, depth, before, 1 - depth, 0, dst=canvas.pixels)


def _skewed(pixels: Pixels, random: np.random.Generator) -> Pixels:
    """Moves the four corners a little, as another lens and crop would."""
    size = pixels.shape[0]
    square = np.array([(0, 0), (size, 0), (size, size), (0, size)], np.float32)
    moved = square + random.normal(0, 0.018 * size, (4, 2)).astype(np.float32)
    warp = cv2.getPerspectiveTransform(square, moved)
    skewed = cv2.warpPerspective(
        pixels, warp, (size, size), borderMode=cv2.BORDER_REFLECT
    )
    return np.asarray(skewed, np.uint8)


def _exposed(pixels: Pixels, random: np.random.Generator) -> Pixels:
    """Light, colour cast, blur of lens and motion, and noise."""
    size = pixels.shape[0]
    light = pixels.astype(np.float32) / 255
    gamma, gain = random.uniform(0.8, 1.3), random.uniform(0.7, 1.12)
    cast = 1 + random.normal(0, 0.022, 3)
    ramp = np.linspace(-1, 1, size, dtype=np.float32)
    slope = random.normal(0, 0.07, 2)
    field = 1 + slope[0] * ramp[:, None] + slope[1] * ramp[None, :]
    light = light**gamma * (gain * cast * field[..., None]).astype(np.float32)
    sigma = random.uniform(0.2, 0.9) * size / 128
    light = cv2.GaussianBlur(light, (0, 0), sigma)
    reach = int(random.integers(0, max(2, size // 32)))
    if random.random() < 0.25 and reach > 1:
        light = cv2.blur(light, (1, reach))
    noise = random.standard_normal(light.shape, np.float32)
    light = light + noise * random.uniform(0.004, 0.014)
    return np.asarray(np.clip(light, 0, 1) * 255, np.uint8)
