"""What is behind a vehicle's glass, and what the glass mirrors."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from pydrdl.render.camera import Perspective
from pydrdl.render.material import Light, Palette, Stuff
from pydrdl.render.mesh import Builder, Kind, Mesh, Part, Points, ellipse
from pydrdl.render.model import Model
from pydrdl.render.scene import SHIFT, Pixels, cut, to_fixed
from pydrdl.render.shell import shell


@lru_cache(maxsize=256)
def cabin_mesh(model: Model, front: bool) -> Mesh:
    """What is seen through the windscreen (or the rear window), far to near."""
    mesh, parts, body = Builder(), shell(model.body), model.body
    part = Part.SCREEN if front else Part.WINDOW
    through = parts.window if front else parts.screen
    pane = [(-0.85, 0.1), (0.85, 0.1), (0.82, 0.9), (-0.82, 0.9)]
    if not body.cargo:  # daylight from the other end
        mesh.add(part, Stuff.STEEL, through.at(pane))
    sign = 1 if front else -1
    foot = parts.screen.at([(0, 0)])[0] if front else parts.window.at([(0, 0)])[0]
    half = body.width / 2 * body.waist
    seat_y, top = foot[1] - 0.15, min(foot[1] + 0.42, body.height - 0.2)
    if front or body.family not in ("van", "bus"):
        z = foot[2] - sign * (body.screen + 0.25 if front else body.window + 0.1)
        for x in (-0.45 * half, 0.45 * half):
            back = [(x - 0.24, seat_y, z), (x + 0.24, seat_y, z),
                    (x + 0.2, top - 0.17, z), (x - 0.2, top - 0.17, z)]  # fmt: skip
            head = [(x - 0.13, top - 0.17, z), (x + 0.13, top - 0.17, z),
                    (x + 0.11, top, z), (x - 0.11, top, z)]  # fmt: skip
            mesh.add(part, Stuff.SEAT, back)
            mesh.add(part, Stuff.SEAT, head)
    if front:
        _add_driver(mesh, foot, body.screen, 0.45 * half)
    depth = 0.45 if front else 0.35
    far = foot[2] - sign * depth
    shelf = [(-half, foot[1] - 0.02, far), (half, foot[1] - 0.02, far),
             (half, foot[1], foot[2]), (-half, foot[1], foot[2])]  # fmt: skip
    mesh.add(part, Stuff.DASH, shelf)
    return mesh.build()


def _add_driver(mesh: Builder, foot: Points, screen: float, x: float) -> None:
    """A driver on the left and the steering wheel; not tied to the vehicle."""
    z = foot[2] - screen - 0.1
    y = foot[1]
    body = [(x - 0.22, y - 0.2, z), (x + 0.22, y - 0.2, z), (x + 0.17, y + 0.12, z),
            (x - 0.17, y + 0.12, z)]  # fmt: skip
    mesh.add(Part.SCREEN, Stuff.SHIRT, body)
    face = ellipse(x, y + 0.25, 0.09, 0.13)
    mesh.add(Part.SCREEN, Stuff.SKIN, np.c_[face, np.full(len(face), z + 0.02)])
    wheel = ellipse(x, y - 0.03, 0.18, 0.15)
    ring = np.c_[wheel, np.full(len(wheel), z + 0.35)]
    mesh.add(Part.SCREEN, Stuff.TRIM, np.concatenate([ring, ring[:1]]), kind=Kind.LINE,
             width=0.03)  # fmt: skip


class Glazier:
    """Paints the panes of one image.

    Args:
        pixels: the image that is painted on.
        view: of the camera.
        light: of the image.
        colours: of the meshes' materials.
        behind: what is behind the windscreen, and behind the rear window.
        tint: how dark the glass is, 0 to 1.
        random: of the image; draws the reflections.
    """

    def __init__(
        self, pixels: Pixels, view: Perspective, light: Light, colours: Palette,
        behind: dict[Part, Mesh], tint: float, random: np.random.Generator,
    ) -> None:  # fmt: skip
        self.pixels, self.view, self.light = pixels, view, light
        self.colours, self.behind, self.tint = colours, behind, tint
        self.random = random

    def paint(self, part: Part, outline: NDArray[np.int32]) -> None:
        """Paints a pane: the cabin, then the sky's reflection."""
        x, y, w, h = cv2.boundingRect(outline >> SHIFT)
        x0, y0 = max(x, 0), max(y, 0)
        x1 = min(x + w + 1, self.pixels.shape[1])
        y1 = min(y + h + 1, self.pixels.shape[0])
        if x1 <= x0 or y1 <= y0:
            return
        corner = np.array([x0, y0])
        below = self.pixels[y0:y1, x0:x1]
        glass = np.empty_like(below)
        glass[:] = self.colours.colours[Stuff.CABIN] * (0.5 * self.light.ambient)
        self._paint_cabin(glass, self.behind[part], corner)
        self._mirror(glass)
        mask = np.zeros(glass.shape[:2], np.uint8)
        inside = outline - (corner << SHIFT).astype(np.int32)
        cv2.fillConvexPoly(mask, inside, 255, cv2.LINE_8, SHIFT)
        cv2.copyTo(glass, mask, below)

    def _paint_cabin(self, glass: Pixels, mesh: Mesh, corner: Points) -> None:
        flat = to_fixed(self.view.project(mesh.points) - corner)
        bright = (1 - 0.55 * self.tint) * (
            self.light.ambient + 0.3 * self.light.strength
        )
        lit = (self.colours.colours[mesh.materials] * bright).tolist()
        widths = self.view.pixels(mesh.widths, mesh.centres).tolist()
        for i, kind in enumerate(mesh.kinds.tolist()):
            shape = flat[mesh.starts[i] : mesh.starts[i + 1]]
            if kind == Kind.LINE:
                thick = max(1, round(widths[i]))
                cv2.polylines(glass, [shape], False, lit[i], thick, cv2.LINE_8, SHIFT)
            else:
                cv2.fillConvexPoly(glass, shape, lit[i], cv2.LINE_8, SHIFT)

    def _mirror(self, glass: Pixels) -> None:
        """Lays the sky over the glass, brighter towards its upper edge."""
        height, width = glass.shape[:2]
        clouds = cut(self.random, 2, 32, 32)
        ramp = np.linspace(1.1, self.random.uniform(0.5, 0.9), 32)[:, None]
        sky = np.clip(clouds * ramp, 0, 255).astype(np.uint8)
        wide = cv2.resize(sky, (width, height), interpolation=cv2.INTER_LINEAR)
        share = float(self.random.uniform(0.06, 0.24))
        cv2.addWeighted(glass, 1 - share, cv2.cvtColor(wide, cv2.COLOR_GRAY2BGR),
                        1.3 * share, 0, glass)  # fmt: skip
