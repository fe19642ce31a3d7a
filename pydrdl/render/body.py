"""Draws a vehicle's body from far to near: sides, roof, glass, deck, end."""

from dataclasses import dataclass

import numpy as np

from pydrdl.render.canvas import Canvas, Face, Points, both_sides, face, rectangle
from pydrdl.render.colour import DARK, Colour, shaded
from pydrdl.render.model import Model
from pydrdl.render.vehicle import Vehicle


@dataclass(frozen=True)
class Shell:
    """The faces of a body as one view shows them; the near end is at z = 0."""

    end: Face  # the front or back, where lamps and grille are
    corners: tuple[Face, Face]  # between end and sides
    deck: Face  # bonnet or boot lid
    glass: Face  # windscreen or rear window
    roof: Face
    sides: tuple[Face, Face]  # the greenhouse's
    flanks: tuple[Points, Points]  # outlines of the lower body's sides
    half_width: float

    def outline(self) -> Points:
        """Returns the N x 3 points that the vehicle's frame is fitted to."""
        load = self.roof.corners + np.array([0, 0.2, 0])
        ends = [self.end.corners, load, *self.flanks]
        ground = self.flanks[0] * (1, 0, 1)
        return np.concatenate([*ends, ground, ground * (-1, 1, 1)])


def shell(model: Model, front: bool) -> Shell:
    """Builds the faces of a model seen from the front or the back."""
    near, far = (model.bonnet, model.boot), (model.boot, model.bonnet)
    lengths, heights = (
        (near, (model.nose, model.tail)),
        (far, (model.tail, model.nose)),
    )[not front]
    slopes = (model.screen_run, model.back_run)[:: 1 if front else -1]
    w, r = model.width / 2, model.width / 2 * model.roof_width
    g = 0.95 * w  # half width where the glass begins
    belt, roof, length = model.belt, model.roof, model.length
    base, far_base = lengths[0], length - lengths[1]
    top, far_top = base + slopes[0], far_base - slopes[1]
    nose = heights[0]
    cut = w * (1 - 0.35 * model.chamfer)
    back = model.chamfer  # z where the side begins

    def corner(side: float) -> Face:
        return face(
            (side * cut, model.sill, 0), (side * w, model.sill, back),
            (side * w, nose, back), (side * cut, nose - 0.04, 0),
        )  # fmt: skip

    def side_glass(side: float) -> Face:
        return face(
            (side * g, belt, base), (side * g, belt, far_base),
            (side * r, roof, far_top), (side * r, roof, top),
        )  # fmt: skip

    flank = np.array([
        (w, model.sill, back), (w, nose, back), (w, belt, base),
        (w, belt, far_base), (w, heights[1], length - 0.1), (w, model.sill, length),
    ])  # fmt: skip
    return Shell(
        end=face((-cut, model.sill, 0), (cut, model.sill, 0),
                 (cut, nose - 0.04, 0), (-cut, nose - 0.04, 0)),
        corners=(corner(-1), corner(1)),
        deck=face((-cut, nose - 0.04, 0), (cut, nose - 0.04, 0),
                  (g, belt, base), (-g, belt, base)),
        glass=face((-g, belt, base), (g, belt, base), (r, roof, top), (-r, roof, top)),
        roof=face((-r, roof, top), (r, roof, top), (r, roof, far_top),
                  (-r, roof, far_top)),
        sides=(side_glass(-1), side_glass(1)),
        flanks=(flank * (-1, 1, 1), flank),
        half_width=w,
    )  # fmt: skip


def _wheel(canvas: Canvas, x: float, z: float, radius: float) -> None:
    angle = np.arange(16) * (np.pi / 8)
    rim = np.stack([np.full(16, x), np.sin(angle), np.cos(angle)], axis=1)
    for size, colour in ((1.0, DARK), (0.62, (150, 148, 145)), (0.2, DARK)):
        ring = rim * (1, radius * size, radius * size) + (0, radius, z)
        canvas.fill(ring, colour)


def _flanks(canvas: Canvas, model: Model, parts: Shell, paint: Colour) -> None:
    """The lower body's sides with their wheels, and the side windows."""
    for side, outline in zip((-1, 1), parts.flanks, strict=True):
        x = side * parts.half_width
        canvas.fill(outline, shaded(paint, 0.66))
        for z in (0.19 * model.length, 0.8 * model.length):
            arch = np.array([(x, model.sill, z)]) + [
                (0, 1.1 * model.wheel * np.sin(a) + 0.12, 1.2 * model.wheel * np.cos(a))
                for a in np.linspace(0, np.pi, 9)
            ]
            canvas.fill(arch, shaded(DARK, 0.8))
            _wheel(canvas, x, z, model.wheel)
        sill = np.array([(x, model.belt - 0.1, z) for z in (0.9, model.length - 0.5)])
        canvas.line(sill, shaded(paint, 0.5), 0.004)
    for window in parts.sides:
        canvas.shade(window, shaded(paint, 0.7), shaded(paint, 0.78), 2)
        canvas.paint(window, [(-0.8, 0.08), (0.85, 0.08), (0.8, 0.88), (-0.85, 0.88)],
                     (52, 48, 44))  # fmt: skip
        canvas.lines(window, [[(-0.05, 0.05), (-0.05, 0.9)]], shaded(paint, 0.6), 0.01)


def draw_body(
    canvas: Canvas, model: Model, vehicle: Vehicle, parts: Shell, front: bool
) -> None:
    """Paints everything but what is on the end and in the glass."""
    paint = vehicle.paint
    w = parts.half_width
    under = face((-w, 0.12, 0.5), (w, 0.12, 0.5), (w, 0.5, 0.5), (-w, 0.5, 0.5))
    canvas.paint(under, rectangle(0, 0.5, 0.98, 0.5), shaded(DARK, 0.6))
    for side in (-1, 1):
        x = side * (w - 0.14)
        tyre = face((x - 0.12, 0, 0.3), (x + 0.12, 0, 0.3),
                    (x + 0.12, 0.5, 0.3), (x - 0.12, 0.5, 0.3))  # fmt: skip
        canvas.paint(tyre, rectangle(0, 0.5, 1, 0.5), DARK)
    _flanks(canvas, model, parts, paint)
    canvas.shade(parts.roof, shaded(paint, 1.05), shaded(paint, 1.22), 4)
    _on_roof(canvas, model, parts, paint, front)
    canvas.shade(parts.glass, shaded(paint, 0.78), shaded(paint, 0.95), 3)
    canvas.shade(parts.deck, shaded(paint, 0.9), shaded(paint, 1.12))
    if front and model.ridges:
        for ridge in both_sides([(model.ridges, 0), (model.ridges * 1.15, 1)]):
            canvas.lines(parts.deck, [ridge], shaded(paint, 0.78), 0.006)
    for corner in parts.corners:
        canvas.shade(corner, shaded(paint, 0.58), shaded(paint, 0.85), 3)
    canvas.shade(parts.end, shaded(paint, 0.68), shaded(paint, 0.98))
    canvas.lines(parts.deck, [[(-1, 0), (1, 0)]], shaded(paint, 0.6), 0.005)
    _stripe(canvas, vehicle, parts)


def _on_roof(
    canvas: Canvas, model: Model, parts: Shell, paint: Colour, front: bool
) -> None:
    if model.rails:
        for rail in both_sides([(0.9, 0.05), (0.9, 0.95)]):
            canvas.lines(parts.roof, [rail], (70, 68, 66), 0.014)
    if model.fin:
        foot = parts.roof.at([(0, 0.15 if not front else 0.9)])[0]
        fin = np.array([(-0.03, 0, 0), (0.03, 0, 0), (0, 0.13, 0.05)])
        canvas.fill(foot + fin, shaded(paint, 0.5))


def _stripe(canvas: Canvas, vehicle: Vehicle, parts: Shell) -> None:
    if vehicle.stripe is None:
        return
    u, half_width, colour = vehicle.stripe
    for where, factor in ((parts.roof, 1.1), (parts.deck, 1.0), (parts.end, 0.85)):
        for offset in (-1.25, 1.25) if u == 0 else (0,):
            bar = rectangle(u + offset * half_width, 0.5, half_width, 0.5)
            canvas.paint(where, bar, shaded(colour, factor))


def draw_mirrors(canvas: Canvas, model: Model, vehicle: Vehicle, front: bool) -> None:
    """Paints the wing mirrors, which stand beside the windscreen's foot."""
    colour = vehicle.mirrors or shaded(vehicle.paint, 0.85)
    z = model.bonnet + 0.3 if front else model.length - model.bonnet - 0.3
    for side in (-1, 1):
        x = side * (model.width / 2 + 0.08)
        middle = np.array([(x, model.belt + 0.08, z)])
        shape = [(-0.12, -0.08, 0), (0.12, -0.06, 0), (0.12, 0.08, 0), (-0.1, 0.09, 0)]
        canvas.fill(middle + np.array(shape) * (side, 1, 1), shaded(DARK, 1.2))
        canvas.fill(middle + np.array(shape) * (0.8 * side, 0.75, 1), colour)


def draw_load(canvas: Canvas, vehicle: Vehicle, parts: Shell) -> None:
    """Paints what the vehicle carries on its roof."""
    first, second = vehicle.load_colours
    boxes: dict[str | None, list[tuple[float, float, float, float, Colour]]] = {
        "box": [(0.0, 0.75, 0.3, 0.1, first)],
        "bags": [(-0.38, 0.35, 0.26, 0.15, first), (0.36, 0.36, 0.32, 0.1, second)],
        "bars": [(0.0, 0.92, 0.1, 0.35, first), (0.0, 0.92, 0.1, 0.7, second)],
        "sign": [(0.0, 0.26, 0.2, 0.3, first)],
    }
    for u, half_width, height, v, colour in boxes.get(vehicle.load, []):
        far = min(v + 0.45, 0.95)
        left, right, far_right, far_left = parts.roof.at(
            [(u - half_width, v), (u + half_width, v),
             (u + half_width, far), (u - half_width, far)]
        )  # fmt: skip
        up = np.array([0, height, 0])
        canvas.fill(np.array([left + up, right + up, far_right + up, far_left + up]),
                    shaded(colour, 1.1))  # fmt: skip
        canvas.fill(np.array([left, far_left, far_left + up, left + up]),
                    shaded(colour, 0.65))  # fmt: skip
        canvas.fill(np.array([right, far_right, far_right + up, right + up]),
                    shaded(colour, 0.65))  # fmt: skip
        canvas.fill(
            np.array([left, right, right + up, left + up]), shaded(colour, 0.85)
        )
