"""Draws a data set of vehicles in VehicleID V1.0's layout."""

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from rich.table import Table
from typer import Argument, Option

from pydrdl import cli
from pydrdl.render.fleet import PRESETS
from pydrdl.render.writer import render_vehicleid


class Preset(StrEnum):
    """How much to draw."""

    mini = "mini"
    demo = "demo"


def render(
    output: Annotated[Path, Argument(help="Folder to make.")],
    preset: Annotated[Preset, Option(help="How much to draw.")] = Preset.demo,
    vehicles: Annotated[
        int | None, Option(help="Vehicles to train with, in place of the preset's.")
    ] = None,
    test_vehicles: Annotated[
        list[int] | None,
        Option(help="Vehicles in a test list; give it again for further lists."),
    ] = None,
    models: Annotated[int | None, Option(help="Vehicle models.")] = None,
    images: Annotated[float | None, Option(help="Mean images a vehicle.")] = None,
    size: Annotated[int | None, Option(help="Pixels a side.")] = None,
    seed: Annotated[int, Option(help="Another seed draws other vehicles.")] = 1,
    workers: Annotated[
        int | None, Option(min=1, help="Processes; one a processor by default.")
    ] = None,
) -> None:
    """Draw vehicles as VehicleID V1.0 lies on disk: images, labels and lists.

    Drawing that was interrupted goes on when the same command is given again.

    Example: python tools/render_vehicleid.py data/rendered --preset demo
    """
    given = {
        "train": vehicles, "tests": tuple(test_vehicles or ()) or None,
        "models": models, "images": images, "size": size, "seed": seed,
    }  # fmt: skip
    chosen = {name: value for name, value in given.items() if value is not None}
    plan = replace(PRESETS[preset], **chosen)
    fleet = render_vehicleid(plan, output, workers=workers, progress=cli.progress)
    table = Table(str(output), "vehicles", "images", title="rendered VehicleID")
    lists = {"train": fleet[: plan.train]}
    for count in plan.tests:
        lists[f"test_{count}"] = fleet[plan.train : plan.train + count]
    for name, entries in lists.items():
        total = sum(len(entry.images) for entry in entries)
        table.add_row(name, f"{len(entries):,}", f"{total:,}")
    table.add_row("with model label", f"{sum(e.labelled for e in fleet):,}", "")
    cli.console.print(table)


if __name__ == "__main__":
    cli.run(render)
