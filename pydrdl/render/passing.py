"""What else passes a camera: other vehicles, and poles that hide some."""

from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np

from pydrdl.render.body import body_mesh
from pydrdl.render.camera import View
from pydrdl.render.chance import VEHICLE, generator, pick
from pydrdl.render.families import FAMILIES
from pydrdl.render.material import Palette, Stuff, palette
from pydrdl.render.mesh import Mesh, joined
from pydrdl.render.model import draw_model
from pydrdl.render.painter import Pixels
from pydrdl.render.plates import plates_mesh
from pydrdl.render.vehicle import PAINTS, PLATES

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
