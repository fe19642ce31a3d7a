"""Draws what is on a vehicle's front or back: lamps, grille, bumper, plate."""

import numpy as np

from pydrdl.render.canvas import (
    Canvas,
    Face,
    Points,
    both_sides,
    ellipse,
    rectangle,
    rounded,
)
from pydrdl.render.colour import CHROME, DARK, Colour, shaded
from pydrdl.render.model import Model
from pydrdl.render.vehicle import Mark, Vehicle

RED: Colour = (40, 32, 190)
LENS: Colour = (226, 224, 220)


def draw_front(canvas: Canvas, model: Model, vehicle: Vehicle, on: Face) -> None:
    """Paints grille, lamps, bumper and plate on the front."""
    half, top = model.intake
    canvas.paint(on, rectangle(0, 0.03, 1, 0.03), shaded(DARK, 1.2))
    canvas.paint(on, rounded(0, (0.07 + top) / 2, half, (top - 0.07) / 2), DARK)
    canvas.lines(on, [[(-0.97, 0.42), (0.97, 0.42)]], shaded(vehicle.paint, 0.6), 0.005)
    if model.fog == "round":
        for u in (-0.78, 0.78):
            canvas.paint(on, ellipse(u, 0.2, 0.085, 0.085), DARK)
            canvas.paint(on, ellipse(u, 0.2, 0.055, 0.055), LENS)
    elif model.fog == "slit":
        for slit in both_sides([(0.66, 0.14), (0.92, 0.19), (0.92, 0.25), (0.7, 0.2)]):
            canvas.paint(on, slit, (160, 158, 150))
    _grille(canvas, model, on)
    _badge(canvas, model, on, (model.grille_size[1] + model.grille_size[2]) / 2)
    for lamp in _front_lamps(model):
        canvas.paint(on, lamp, (70, 66, 62))
        middle = lamp.mean(axis=0)
        canvas.paint(on, middle + 0.84 * (lamp - middle), LENS)
        height = float(np.ptp(lamp[:, 1])) / 2
        for shift, size in ((0.06, 0.55), (-0.09, 0.45)):
            u = middle[0] + shift * np.sign(middle[0])
            bulb = ellipse(u, middle[1], size * height * 0.6, size * height)
            canvas.paint(on, bulb, (150, 146, 138))
    _plate(canvas, vehicle, on, 0.3)
    _marks(canvas, on, vehicle.front_panel)


def _front_lamps(model: Model) -> tuple[Points, Points]:
    inner, low, high = model.lamp_size
    middle = (low + high) / 2
    shapes: dict[str, Points] = {
        "box": rounded((inner + 0.97) / 2, middle, (0.97 - inner) / 2,
                       (high - low) / 2, 0.25),
        "slant": np.array([(inner, low), (0.8, low - 0.02), (0.99, high - 0.05),
                           (0.99, high + 0.05), (inner + 0.08, high - 0.07)]),
        "round": ellipse(0.79, middle, 0.17, (high - low) / 2 + 0.04),
        "slim": rectangle((inner + 0.99) / 2 - 0.02, middle, (1.03 - inner) / 2,
                          (high - low) / 2),
        "drop": np.array([(inner, middle - 0.05), (0.76, low - 0.05), (0.98, low),
                          (0.99, middle), (0.9, high + 0.04), (0.72, high - 0.02)]),
    }  # fmt: skip
    return both_sides(shapes[model.lamp])


def _grille(canvas: Canvas, model: Model, on: Face) -> None:
    half, low, high = model.grille_size
    middle, tall = (low + high) / 2, (high - low) / 2
    trim: Colour = CHROME if model.chrome else (88, 85, 82)
    if model.grille == "kidneys":
        for u in (-0.52 * half, 0.52 * half):
            canvas.paint(on, rounded(u, middle, 0.48 * half, tall + 0.03), trim)
            canvas.paint(on, rounded(u, middle, 0.4 * half, tall), DARK)
        return
    if model.grille == "slot":
        canvas.paint(on, rectangle(0, high - 0.05, half + 0.05, 0.06), trim)
        canvas.paint(on, rectangle(0, high - 0.05, half, 0.035), DARK)
        return
    if model.grille == "wing":
        shape = np.array([(-half, high), (-0.7 * half, low), (0.7 * half, low),
                          (half, high), (0.3 * half, high - 0.08),
                          (-0.3 * half, high - 0.08)])  # fmt: skip
    else:
        shape = rounded(0, middle, half, tall, 0.2)
    around = np.array([0, middle])
    canvas.paint(on, around + (shape - around) * (1.1, 1.16), trim)
    canvas.paint(on, shape, DARK)
    steps = np.linspace(-1, 1, model.bars + 2)[1:-1]
    across = [
        [(-0.9 * half, middle + s * tall), (0.9 * half, middle + s * tall)]
        for s in steps
    ]
    along = [[(s * half, middle - 0.85 * tall), (s * half, middle + 0.85 * tall)]
             for s in np.linspace(-1, 1, 2 * model.bars + 2)[1:-1]]  # fmt: skip
    if model.grille in ("bars", "wing", "mesh"):
        canvas.lines(on, across, trim, 0.008)
    if model.grille in ("vertical", "mesh"):
        canvas.lines(on, along, trim, 0.008)


def _badge(canvas: Canvas, model: Model, on: Face, v: float) -> None:
    if model.badge == "disc":
        canvas.paint(on, ellipse(0, v, 0.075, 0.085), (235, 232, 228))
    elif model.badge == "ring":
        canvas.paint(on, ellipse(0, v, 0.085, 0.095), CHROME)
        canvas.paint(on, ellipse(0, v, 0.05, 0.055), shaded(DARK, 1.6))
    elif model.badge == "diamond":
        diamond = [(0, v - 0.11), (0.075, v), (0, v + 0.11), (-0.075, v)]
        canvas.paint(on, diamond, (225, 222, 218))
    elif model.badge == "bar":
        canvas.paint(on, rectangle(0, v, 0.14, 0.035), (225, 222, 218))


def draw_back(canvas: Canvas, model: Model, vehicle: Vehicle, on: Face) -> None:
    """Paints lamps, bumper, trim and plate on the back."""
    dark_paint = shaded(vehicle.paint, 0.55)
    canvas.paint(on, rectangle(0, 0.06, 1, 0.06), shaded(DARK, 1.4))
    for u in ((), (0.6,), (-0.62, 0.62))[model.exhausts]:
        canvas.paint(on, ellipse(u, 0.07, 0.075, 0.04), CHROME)
        canvas.paint(on, ellipse(u, 0.07, 0.05, 0.025), shaded(DARK, 0.5))
    lid = [(-0.62, 0.97), (-0.6, 0.44), (0.6, 0.44), (0.62, 0.97)]
    canvas.lines(on, [lid, [(-0.98, 0.38), (0.98, 0.38)]], dark_paint, 0.006)
    plate = model.rear_plate
    canvas.paint(on, rounded(0, plate, 0.36, 0.12, 0.15), shaded(vehicle.paint, 0.72))
    if model.rear_trim != "none":
        colour = CHROME if model.rear_trim == "chrome" else DARK
        canvas.paint(on, rectangle(0, 0.76, 0.38, 0.028), colour)
    _badge(canvas, model, on, 0.87)
    for lamp in _rear_lamps(model):
        canvas.paint(on, lamp, shaded(RED, 0.45))
        middle = lamp.mean(axis=0)
        canvas.paint(on, middle + 0.86 * (lamp - middle), RED)
        if model.rear_lamp == "band":
            continue
        u, v = middle
        canvas.paint(on, ellipse(u, v + 0.06, 0.05, 0.045), (70, 90, 245))
        canvas.paint(on, rectangle(u, v - 0.05, 0.06, 0.025), (205, 215, 225))
    _plate(canvas, vehicle, on, plate)
    _marks(canvas, on, vehicle.back_panel)


def _rear_lamps(model: Model) -> tuple[Points, ...]:
    inner, low, high = model.rear_lamp_size
    middle, tall = (low + high) / 2, (high - low) / 2
    if model.rear_lamp == "band":
        return (rectangle(0, high - 0.06, 0.98, 0.075),)
    shapes: dict[str, Points] = {
        "block": rounded((inner + 1) / 2, middle, (1 - inner) / 2, tall, 0.2),
        "tall": rectangle(0.88, (low + 0.95) / 2 - 0.04, 0.11, (0.99 - low) / 2 + 0.06),
        "ell": np.array([(inner, high - 0.16), (0.82, high - 0.16), (0.82, low),
                         (1, low), (1, high), (inner, high)]),
        "round": ellipse(0.8, middle, 0.16, tall + 0.02),
    }  # fmt: skip
    return both_sides(shapes[model.rear_lamp])


def _plate(canvas: Canvas, vehicle: Vehicle, on: Face, v: float) -> None:
    """A plate without characters."""
    canvas.paint(on, rectangle(0, v, 0.27, 0.1), shaded(vehicle.plate, 0.5))
    canvas.paint(on, rectangle(0, v, 0.25, 0.082), vehicle.plate)


def _marks(canvas: Canvas, on: Face, marks: tuple[Mark, ...]) -> None:
    for mark in marks:
        u, v, half_width, half_height = (
            mark.u,
            mark.v,
            mark.half_width,
            mark.half_height,
        )
        if mark.kind == "scratch":
            strokes = [[(u - half_width, v + s - half_height), (u + half_width, v + s)]
                       for s in (-0.05, 0.0, 0.04)]  # fmt: skip
            canvas.lines(on, strokes, mark.colour, 0.008)
        elif mark.kind == "disc":
            canvas.paint(on, ellipse(u, v, half_width, half_height), mark.colour)
        else:
            canvas.paint(on, rounded(u, v, half_width, half_height), mark.colour)
