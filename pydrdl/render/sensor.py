"""What a camera makes of a scene: resolution, blur, exposure, noise, JPEG."""

from typing import Protocol

import cv2
import numpy as np

from pydrdl.render.painter import Pixels
from pydrdl.render.road import cut


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
