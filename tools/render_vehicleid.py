"""Draws a data set of vehicles in VehicleID V1.0's layout."""

from pydrdl import start

start.begin(__name__)  # before the imports that take long

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from rich.table import Table
from typer import Option

from pydrdl import cli
from pydrdl.commands import options
from pydrdl.render.fleet import PRESETS, Fleet, changed, draw_fleet
from pydrdl.render.vehicleid import render_vehicleid


class Preset(StrEnum):
    """How much to draw."""

    mini = "mini"
    demo = "demo"
    paper = "paper"


def render(
    output_word: Annotated[Path | None, options.OUTPUT_WORD] = None,
    *,
    output: Annotated[Path | None, options.output("Folder to make.")] = None,
    preset: Annotated[
        Preset,
        Option(help="How much to draw; paper: 221,763 images as in its Tables 1, 2."),
    ] = Preset.demo,
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
    seed: Annotated[int, options.seed("Another seed draws other vehicles.")] = 1,
    workers: Annotated[
        int | None, Option(min=1, help="Processes; one a processor by default.")
    ] = None,
    dry_run: Annotated[bool, Option("--dry-run", help="Only count.")] = False,
) -> None:
    """Draw vehicles as VehicleID V1.0 lies on disk: images, labels and lists.

    Drawing that was interrupted goes on when the same command is given again.

    Example: python tools/render_vehicleid.py --output data/rendered --preset demo
    """
    folder = options.one_output(output, output_word)
    given = {
        "train": vehicles, "tests": tuple(test_vehicles or ()) or None,
        "models": models, "images": images, "size": size, "seed": seed,
    }  # fmt: skip
    chosen = {name: value for name, value in given.items() if value is not None}
    plan = changed(PRESETS[preset], **chosen)
    if dry_run:
        fleet = draw_fleet(plan)
    else:
        fleet = render_vehicleid(plan, folder, workers=workers, progress=cli.progress)
    cli.console.print(_table(fleet, str(folder)))


def _table(fleet: Fleet, title: str) -> Table:
    table = Table(title, "vehicles", "images", title="rendered VehicleID")
    for column in table.columns[1:]:
        column.justify = "right"
    counts = fleet.counts
    for name, chosen in fleet.lists.items():
        table.add_row(name, f"{len(chosen):,}", f"{counts[chosen].sum():,}")
    table.add_section()
    table.add_row("all", f"{len(fleet):,}", f"{counts.sum():,}")
    known = fleet.labelled
    table.add_row("with model label", f"{known.sum():,}", f"{counts[known].sum():,}")
    return table


if __name__ == "__main__":
    cli.run(render)
