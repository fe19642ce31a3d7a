"""The text files of a rendered VehicleID, as the release lays them out."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pydrdl.files import renamed
from pydrdl.parallel import Progress, spread, unseen
from pydrdl.render.camera import Camera
from pydrdl.render.fleet import Entry, Fleet, Plan, draw_fleet
from pydrdl.render.folder import drawn_folder, fill_folder
from pydrdl.render.model import draw_model
from pydrdl.render.photo import camera_of, encode, photograph
from pydrdl.render.vehicle import PAINTS, draw_vehicle

FAMILY_NAMES = {
    "saloon": "轿车", "hatchback": "两厢车", "suv": "越野车", "van": "面包车",
    "pick-up": "皮卡", "truck": "货车", "bus": "客车",
}  # fmt: skip
README = """# A rendered VehicleID

{images:,} drawn images of {vehicles:,} vehicles and {models} models, in the layout of
PKU VehicleID V1.0. No real vehicle is shown; licence plates are blank. Made by
tools/render_vehicleid.py of DRDL on Caffe with

    {plan}
"""
Lines = Iterator[str]


def attribute_files(plan: Plan, fleet: Fleet) -> Iterator[tuple[str, Lines]]:
    """Yields the path and the lines of every file but images and split lists."""
    yield "README.md", iter([_readme(plan, fleet)])
    yield "attribute/img2vid.txt", _images_by_name(fleet)
    labelled = np.flatnonzero(fleet.labelled).tolist()
    yield "attribute/model_attr.txt", (f"{v} {fleet.models[v]}\n" for v in labelled)
    yield (
        "attribute/color_attr.txt",
        (f"{v} {draw_vehicle(plan.seed, v).colour}\n" for v in labelled),
    )
    families = (draw_model(plan.seed, n).body.family for n in range(plan.models))
    yield (
        "attribute/model_names.txt",
        (f"{FAMILY_NAMES[name]}{n:03d} {n}\n" for n, name in enumerate(families)),
    )
    # The release ends the lines of this one file so.
    colours = (f"{name} {number}\r\n" for number, name in enumerate(PAINTS))
    yield "attribute/color_names.txt", colours


def split_files(fleet: Fleet) -> Iterator[tuple[str, Lines]]:
    """Yields the name and the lines of every split list."""
    for name, vehicles in fleet.lists.items():
        kind, _, size = name.partition("_")
        file = f"{kind}_list_{size}.txt" if size else f"{kind}_list.txt"
        yield file, _images_of(fleet, vehicles)


def _images_of(fleet: Fleet, vehicles: NDArray[np.int64]) -> Lines:
    for vehicle in vehicles.tolist():
        for name in fleet.names[fleet.starts[vehicle] : fleet.starts[vehicle + 1]]:
            yield f"{name:07d} {vehicle}\n"


def _images_by_name(fleet: Fleet) -> Lines:
    owners = np.repeat(np.arange(len(fleet)), fleet.counts)
    for place in np.argsort(fleet.names):
        yield f"{fleet.names[place]:07d} {owners[place]}\n"


def _readme(plan: Plan, fleet: Fleet) -> str:
    shown: Iterable[str] = (
        f"{key}={value}" for key, value in asdict(plan).items() if key != "totals"
    )
    return README.format(
        images=len(fleet.names), vehicles=len(fleet), models=plan.models,
        plan=" ".join(shown),
    )  # fmt: skip


# Writes a rendered fleet in VehicleID V1.0's layout on disk.


def render_vehicleid(
    plan: Plan,
    output: Path,
    *,
    workers: int | None = None,
    progress: Progress = unseen,
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
    task = partial(_render, plan, drawn_folder(output).partial / "image")
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
            with renamed(path) as part:
                part.write_bytes(encode(pixels, camera.quality))
    return len(entry.images)
