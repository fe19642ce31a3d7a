"""Writes a rendered fleet in VehicleID V1.0's layout on disk.

Images come first, each whole or not there. The folder of the split lists, which
readers need, takes its name last; until then unfinished.json stands in the
folder, and rendering that was interrupted goes on from the images that are there.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import partial
from pathlib import Path

from pydrdl.errors import InputError
from pydrdl.render.camera import Camera
from pydrdl.render.fleet import Entry, Fleet, Plan, draw_fleet
from pydrdl.render.lists import LISTS, attribute_files, split_files
from pydrdl.render.model import draw_model
from pydrdl.render.photo import camera_of, photograph
from pydrdl.render.pool import spread
from pydrdl.render.sensor import encode
from pydrdl.render.vehicle import draw_vehicle

MARKER = "unfinished.json"
Passing = Callable[[Iterable[int], str, int], Iterable[int]]


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
    output = Path(output)
    fleet = draw_fleet(plan)
    try:
        _start(plan, output)
        task = partial(_render, plan, output / "image")
        done = spread(task, fleet.entries(), workers)
        for _ in progress(done, "vehicles", len(fleet)):
            pass
        _finish(plan, fleet, output)
    except OSError as error:
        raise InputError(
            f"cannot write: {error.strerror or error}",
            error.filename or output,
            "make room or name a writable folder, then repeat the command to go on",
        ) from error
    return fleet


def _start(plan: Plan, output: Path) -> None:
    """Makes the folder, or takes up the one that is there."""
    marker, wanted = output / MARKER, json.dumps(asdict(plan)) + "\n"
    if marker.is_file():
        if marker.read_text(encoding="utf-8") != wanted:
            raise InputError(
                "rendering of another plan was interrupted here",
                output,
                "repeat the command that began it, or delete the folder",
            )
    else:
        # What a run leaves that was killed before its marker was whole.
        known = (f".{MARKER}.",)
        if output.exists() and (
            not output.is_dir()
            or any(not path.name.startswith(known) for path in output.iterdir())
        ):
            raise InputError(
                "the output exists and is not empty",
                output,
                "choose another folder, or delete this one",
            )
        output.mkdir(parents=True, exist_ok=True)
        _write(marker, [wanted.encode()])
    _tidy(output)
    for folder in ("image", "attribute"):
        (output / folder).mkdir(exist_ok=True)


def _finish(plan: Plan, fleet: Fleet, output: Path) -> None:
    """Writes the lists; the last renaming makes the whole a data set."""
    for name, lines in attribute_files(plan, fleet):
        _write(output / name, (line.encode() for line in lines))
    if not (output / LISTS).exists():
        lists = output / f".{LISTS}.{os.getpid()}.part"
        lists.mkdir()
        for name, lines in split_files(fleet):
            _write(lists / name, (line.encode() for line in lines))
        lists.replace(output / LISTS)
    (output / MARKER).unlink(missing_ok=True)


def _tidy(output: Path) -> None:
    """Removes what a killed run was writing."""
    for folder in (output, output / "image", output / "attribute"):
        for path in folder.glob(".*.part"):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def _write(path: Path, pieces: Iterable[bytes]) -> None:
    """Writes a file that is either whole or not there."""
    partial_path = path.with_name(f".{path.name}.{os.getpid()}.part")
    with partial_path.open("wb") as file:
        file.writelines(pieces)
    partial_path.replace(path)


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
            _write(path, [encode(pixels, camera.quality)])
    return len(entry.images)
