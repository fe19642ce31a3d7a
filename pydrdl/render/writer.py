"""Writes a rendered fleet in VehicleID V1.0's layout on disk.

The lists come last; unfinished.json stands in the folder until it is whole, and
rendering that was interrupted goes on from the images that are there.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2

from pydrdl.errors import InputError
from pydrdl.render.fleet import Entry, Plan, draw_fleet
from pydrdl.render.model import draw_model
from pydrdl.render.photo import encode, photograph
from pydrdl.render.vehicle import PAINTS, draw_vehicle

MARKER = "unfinished.json"
BODY_NAMES = {
    "saloon": "轿车", "hatchback": "两厢车", "off-roader": "越野车", "van": "面包车",
}  # fmt: skip
README = """# A rendered VehicleID

{images} drawn images of {vehicles} vehicles and {models} models, in the layout of
PKU VehicleID V1.0. No real vehicle is shown; licence plates are blank. Made by
tools/render_vehicleid.py of DRDL on Caffe with

    {plan}
"""
Passing = Callable[[Iterable[int], str, int], Iterable[int]]


def render_vehicleid(
    plan: Plan,
    output: Path,
    *,
    workers: int | None = None,
    progress: Passing = lambda items, what, total: items,
) -> tuple[Entry, ...]:
    """Renders a fleet and writes it as VehicleID V1.0 lies on disk.

    Args:
        plan: what to render.
        output: the folder to make, or one that an interrupted run left.
        workers: processes; None takes one a processor, 1 stays in this one.
        progress: shows how far it is, in vehicles.

    Returns:
        The fleet.

    Raises:
        InputError: the folder holds something else, or other plans' images.
    """
    output = Path(output)
    fleet = draw_fleet(plan)
    _start(plan, output)
    task = partial(_render, plan, output / "image")
    for _ in progress(_spread(task, fleet, workers), "vehicles", len(fleet)):
        pass
    for name, text in _lists(plan, fleet).items():
        _write(output / name, text.encode())
    (output / MARKER).unlink()
    return fleet


def _start(plan: Plan, output: Path) -> None:
    """Makes the folder, or takes up the one that is there."""
    marker, wanted = output / MARKER, json.dumps(asdict(plan)) + "\n"
    if marker.is_file():
        if json.loads(marker.read_text(encoding="utf-8")) != json.loads(wanted):
            raise InputError(
                "rendering of another plan was interrupted here",
                output,
                "repeat the command that began it, or delete the folder",
            )
        return
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise InputError(
            "the output exists and is not empty",
            output,
            "choose another folder, or delete this one",
        )
    output.mkdir(parents=True, exist_ok=True)
    _write(marker, wanted.encode())
    for folder in ("image", "attribute", "train_test_split"):
        (output / folder).mkdir(exist_ok=True)


def _write(path: Path, data: bytes) -> None:
    """Writes a file that is either whole or not there."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(data)
    temporary.replace(path)


def _render(plan: Plan, folder: Path, entry: Entry) -> int:
    """Renders the images of a vehicle that are not there yet."""
    model = draw_model(plan.seed, entry.model)
    vehicle = draw_vehicle(plan.seed, entry.vehicle)
    for image, name in enumerate(entry.images):
        path = folder / f"{name:07d}.jpg"
        if not path.exists():
            numbers = (plan.seed, entry.vehicle, image)
            pixels = photograph(model, vehicle, *numbers, plan.size)
            _write(path, encode(pixels, *numbers))
    return len(entry.images)


def _spread(
    task: Callable[[Entry], int], fleet: tuple[Entry, ...], workers: int | None
) -> Iterator[int]:
    """Runs the task on every vehicle, on several processes."""
    count = workers or os.cpu_count() or 1
    if count == 1:
        yield from map(task, fleet)
        return
    # Forked processes would inherit OpenCV's threads in an unknown state.
    pool = ProcessPoolExecutor(
        count, get_context("spawn"), initializer=cv2.setNumThreads, initargs=(0,)
    )
    try:
        yield from pool.map(task, fleet, chunksize=4)
    finally:
        pool.shutdown(cancel_futures=True)


def _lists(plan: Plan, fleet: tuple[Entry, ...]) -> dict[str, str]:
    """Returns the text of every file but the images, by its path."""
    images = sorted((name, entry.vehicle) for entry in fleet for name in entry.images)
    labelled = [entry for entry in fleet if entry.labelled]
    colours = [draw_vehicle(plan.seed, entry.vehicle).colour for entry in labelled]
    names = [
        f"{BODY_NAMES[draw_model(plan.seed, model).body]}{model:03d} {model}"
        for model in range(plan.models)
    ]
    shown = " ".join(f"{key}={value}" for key, value in asdict(plan).items())
    readme = README.format(
        images=len(images), vehicles=len(fleet), models=plan.models, plan=shown
    )
    files = {
        "attribute/img2vid.txt": _image_rows(images),
        "attribute/model_attr.txt": _rows((e.vehicle, e.model) for e in labelled),
        "attribute/color_attr.txt": _rows(
            (entry.vehicle, colour)
            for entry, colour in zip(labelled, colours, strict=True)
        ),
        "attribute/model_names.txt": "".join(f"{name}\n" for name in names),
        # The release ends the lines of this one file so.
        "attribute/color_names.txt": "".join(
            f"{name} {number}\r\n" for number, name in enumerate(PAINTS)
        ),
        "train_test_split/train_list.txt": _list(fleet[: plan.train]),
    }
    for size in plan.tests:
        chosen = fleet[plan.train : plan.train + size]
        files[f"train_test_split/test_list_{size}.txt"] = _list(chosen)
    return files | {"README.md": readme}


def _list(entries: Iterable[Entry]) -> str:
    rows = ((name, entry.vehicle) for entry in entries for name in entry.images)
    return _image_rows(rows)


def _image_rows(rows: Iterable[tuple[int, int]]) -> str:
    return "".join(f"{image:07d} {vehicle}\n" for image, vehicle in rows)


def _rows(rows: Iterable[tuple[int, int]]) -> str:
    return "".join(f"{first} {second}\n" for first, second in rows)
