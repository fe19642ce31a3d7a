"""Daylight: how bright and in what colour each face of a vehicle is seen."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pydrdl.render.material import Palette
from pydrdl.render.patch import Points

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Light:
    """The light of one image.

    Attributes:
        sun: unit vector towards the sun, in the vehicle's frame.
        strength: of the sun; 0 under clouds.
        ambient: of the sky.
        sky: its colour at the horizon, BGR.
        ground: the road's brightness, 0 to 255.
    """

    sun: Points
    strength: float
    ambient: float
    sky: tuple[float, float, float]
    ground: float


def draw_light(
    random: np.random.Generator, turn: Points, heading: float, ground: float
) -> Light:
    """Draws the time of day and the weather.

    Args:
        random: of the image.
        turn: from the road's frame to the vehicle's.
        heading: of the camera, radians from north.
        ground: the road's brightness.
    """
    azimuth = random.uniform(0.5 * np.pi, 1.5 * np.pi) - heading  # east to west
    height = random.uniform(0.35, 1.15)
    sunny = random.random() < 0.55
    strength = random.uniform(0.4, 0.8) if sunny else random.uniform(0, 0.12)
    sun = turn @ np.array(
        [np.sin(azimuth) * np.cos(height), np.sin(height),
         -np.cos(azimuth) * np.cos(height)]
    )  # fmt: skip
    grey = random.uniform(205, 245)
    blue = random.uniform(0, 18) if sunny else random.uniform(-2, 6)
    return Light(
        sun, strength, random.uniform(0.78, 0.95) - 0.3 * strength,
        (grey + 0.6 * blue, grey, grey - blue), ground,
    )  # fmt: skip


def shade(
    materials: NDArray[np.int64],
    normals: Points,
    towards: Points,
    colours: Palette,
    light: Light,
) -> Float:
    """Returns the colours of faces.

    Args:
        materials: E rows of the palette.
        normals: E x 3; zero for what has no side.
        towards: E x 3 unit vectors to the camera.
        colours: the palette.
        light: of the image.

    Returns:
        E x 3, BGR, 0 to 255.
    """
    base, gloss = colours.colours[materials], colours.gloss[materials]
    up = normals[:, 1]
    direct = light.strength * np.maximum(normals @ light.sun, 0)
    diffuse = light.ambient * (0.74 + 0.4 * up) + 0.75 * direct
    cosine = np.maximum((normals * towards).sum(axis=1), 0)
    mirrored = 2 * cosine[:, None] * normals - towards
    share = np.minimum(gloss * (0.13 + 0.75 * (1 - cosine) ** 3), 0.85)
    share *= np.any(normals != 0, axis=1)
    seen = _surroundings(mirrored, light)
    glint = np.maximum(mirrored @ light.sun, 0) ** 24 * light.strength * gloss * 110
    lit = base * diffuse[:, None]
    lit = lit * (1 - share[:, None]) + seen * share[:, None] + glint[:, None]
    return np.asarray(np.clip(lit, 0, 255))


def _surroundings(direction: Points, light: Light) -> Float:
    """What is seen in a direction: sky above, houses and road below."""
    height = direction[:, 1]
    sky = np.array(light.sky) * (1.0 - 0.35 * np.clip(height, 0, 1))[:, None]
    above = np.clip((height + 0.02) / 0.22, 0, 1)[:, None]
    below = light.ground * (0.45 + 0.4 * np.clip(-height, 0, 1))[:, None]
    return np.asarray(sky * above + below * (1 - above))
