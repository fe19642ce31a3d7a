"""Draws a windscreen or rear window and what is on and behind it."""

import numpy as np

from pydrdl.render.canvas import Canvas, Face, ellipse, rectangle, rounded
from pydrdl.render.colour import DARK, VIVID, Colour, mixed, shaded
from pydrdl.render.model import Model
from pydrdl.render.vehicle import Mark, Vehicle

SKY: Colour = (190, 176, 160)


def draw_glass(
    canvas: Canvas,
    model: Model,
    vehicle: Vehicle,
    on: Face,
    front: bool,
    random: np.random.Generator,
) -> None:
    """Paints the glass; the people behind it and its reflection vary by image."""
    tint = shaded((66, 60, 54), vehicle.tint)
    reflection = random.uniform(0.05, 0.3)
    low, high = 0.06, 0.93
    pane = [(-0.9, low), (0.9, low), (0.88, high), (-0.88, high)]
    canvas.paint(on, [(-0.94, 0), (0.94, 0), (0.93, 0.97), (-0.93, 0.97)], DARK)
    canvas.paint(on, pane, mixed(tint, SKY, reflection))
    edge = random.uniform(-0.6, 0.6)
    bright = [
        (edge - 0.25, high),
        (edge - 0.5, low),
        (edge - 0.1, low),
        (edge + 0.25, high),
    ]
    canvas.paint(on, np.clip(bright, -0.88, 0.93), mixed(tint, SKY, reflection + 0.12))
    if front:
        _people(canvas, on, random)
    elif model.body != "saloon":
        canvas.lines(on, [[(0, low), (0.45, 0.16)]], shaded(DARK, 0.5), 0.012)
    else:
        canvas.paint(on, rectangle(0, 0.86, 0.13, 0.035), (40, 34, 120))
    if front:
        wipers = [[(-0.75, 0.1), (-0.05, 0.14)], [(0.0, 0.08), (0.72, 0.13)]]
        canvas.lines(on, wipers, shaded(DARK, 0.6), 0.008)
        canvas.paint(on, rounded(0, 0.83, 0.12, 0.07), shaded(DARK, 0.7))
        _front_marks(canvas, vehicle, on)
    _glued(canvas, on, vehicle.screen if front else vehicle.back)


def _people(canvas: Canvas, on: Face, random: np.random.Generator) -> None:
    skin: Colour = (118, 140, 172)
    for u, chance in ((0.42, 0.9), (-0.42, 0.35)):
        canvas.paint(on, rounded(u, 0.52, 0.16, 0.2), (38, 36, 36))
        if random.random() < chance:
            shirt = shaded(VIVID[int(random.integers(len(VIVID)))], 0.45)
            canvas.paint(on, rounded(u, 0.2, 0.2, 0.16), shirt)
            canvas.paint(on, ellipse(u, 0.48, 0.075, 0.15), skin)


def _front_marks(canvas: Canvas, vehicle: Vehicle, on: Face) -> None:
    if vehicle.sun_strip is not None:
        canvas.paint(on, [(-0.88, 0.8), (0.88, 0.8), (0.88, 0.94), (-0.88, 0.94)],
                     shaded(vehicle.sun_strip, 0.8))  # fmt: skip
    if vehicle.ornament is not None:
        length, radius, colour = vehicle.ornament
        canvas.lines(on, [[(0, 0.8), (0, 0.8 - length)]], colour, 0.008)
        canvas.paint(on, ellipse(0, 0.76 - length, radius, 1.6 * radius), colour)


def _glued(canvas: Canvas, on: Face, marks: tuple[Mark, ...]) -> None:
    for mark in marks:
        make = ellipse if mark.kind == "disc" else rectangle
        shape = make(mark.u, mark.v, mark.half_width, mark.half_height)
        canvas.paint(on, shape, shaded(mark.colour, 0.92))
