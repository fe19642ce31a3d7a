"""The text files of a rendered VehicleID, as the release lays them out."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from pydrdl.render.fleet import Fleet, Plan
from pydrdl.render.model import draw_model
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
