"""Writes a rendered fleet in VehicleID V1.0's layout on disk."""

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path

from pydrdl.render.camera import Camera
from pydrdl.render.fleet import Entry, Fleet, Plan, draw_fleet
from pydrdl.render.folder import Passing, fill_folder, write
from pydrdl.render.lists import attribute_files, split_files
from pydrdl.render.model import draw_model
from pydrdl.render.photo import camera_of, photograph
from pydrdl.render.pool import spread
from pydrdl.render.sensor import encode
from pydrdl.render.vehicle import draw_vehicle


def render_vehicleid(
    plan: Plan,
    output: Path,
    *,
    workers: int | None = None,
    progress: Passing = lambda items, what, total: items,
) -> Fleet:
    """Renders a fleet and writes it as VehicleID V1.0 lies on disk.

    Args:
        plan: what to render.
        output: the folder to make, or one that an interrupted run left.
        workers: processes; None takes one a processor, 1 stays in this one.
        progress: shows how far it is, in vehicles.

    Returns:
        The fleet.

    Raises:
        InputError: the folder holds something else, or other plans' images, or
            cannot be written.
    """
    fleet = draw_fleet(plan)
    task = partial(_render, plan, Path(output) / "image")
    done = progress(spread(task, fleet.entries(), workers), "vehicles", len(fleet))
    fill_folder(
        output, json.dumps(asdict(plan)), ("image", "attribute"), done,
        attribute_files(plan, fleet), split_files(fleet),
    )  # fmt: skip
    return fleet


def _render(plan: Plan, folder: Path, entry: Entry) -> int:
    """Renders the images of a vehicle that are not there yet."""
    model = draw_model(plan.seed, entry.model)
    vehicle = draw_vehicle(plan.seed, entry.vehicle)
    for image, name in enumerate(entry.images):
        path = folder / f"{name:07d}.jpg"
        if not path.exists():
            numbers = (plan.seed, entry.vehicle, image)
            pixels = photograph(model, vehicle, *numbers, plan.size)
            camera: Camera = camera_of(*numbers)
            write(path, [encode(pixels, camera.quality)])
    return len(entry.images)
