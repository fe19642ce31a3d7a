"""Draws data sets in the layouts of VehicleID and CompCars."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from rich.table import Table
from typer import Option

from pydrdl import cli
from pydrdl.commands import options

if TYPE_CHECKING:
    from pydrdl.render.compcars import Catalogue
    from pydrdl.render.vehicleid import Fleet

Preset = Literal["mini", "demo", "paper"]  # how much to draw
TITLES = {
    "part1": "part I, to train and test",
    "part2": "part II, to train verifiers",
    "part3": "part III, pairs",
}


def render_vehicleid(
    output_word: Annotated[Path | None, options.OUTPUT_WORD] = None,
    *,
    output: Annotated[Path | None, options.output("Folder to make.")] = None,
    preset: Annotated[
        Preset,
        Option(help="How much to draw; paper: 221,763 images as in its Tables 1, 2."),
    ] = "demo",
    vehicles: Annotated[
        int | None,
        Option(min=1, help="Vehicles to train with, in place of the preset's."),
    ] = None,
    test_vehicles: Annotated[
        list[int] | None,
        Option(min=1, help="Vehicles in a test list; give it again for further lists."),
    ] = None,
    models: Annotated[int | None, Option(min=1, help="Vehicle models.")] = None,
    images: Annotated[float | None, Option(help="Mean images a vehicle.")] = None,
    size: Annotated[int | None, Option(min=1, help="Pixels a side.")] = None,
    seed: Annotated[int, options.seed("Another seed draws other vehicles.")] = 1,
    workers: Annotated[
        int | None, Option(min=1, help="Processes; one a processor by default.")
    ] = None,
    dry_run: Annotated[bool, Option("--dry-run", help="Only count.")] = False,
) -> None:
    """Draw vehicles as VehicleID V1.0 lies on disk.

    Images, labels and lists. Drawing that was interrupted goes on when the same
    command is given again.

    Example: python tools/render_vehicleid.py --output data/rendered --preset demo
    """
    from pydrdl.render import vehicleid

    folder = options.one_output(output, output_word)
    given = {
        "train": vehicles, "tests": tuple(test_vehicles or ()) or None,
        "models": models, "images": images, "size": size, "seed": seed,
    }  # fmt: skip
    chosen = {name: value for name, value in given.items() if value is not None}
    plan = vehicleid.changed(vehicleid.PRESETS[preset], **chosen)
    if dry_run:
        fleet = vehicleid.draw_fleet(plan)
    else:
        fleet = vehicleid.render_vehicleid(
            plan, folder, workers=workers, progress=cli.progress
        )
    cli.console.print(_fleet_table(fleet, str(folder)))


def _fleet_table(fleet: "Fleet", title: str) -> Table:
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


def render_compcars(
    output_word: Annotated[Path | None, options.OUTPUT_WORD] = None,
    *,
    output: Annotated[Path | None, options.output("Folder to make.")] = None,
    preset: Annotated[
        Preset, Option(help="How much to draw; paper: 57,645 images as CompCars has.")
    ] = "demo",
    models: Annotated[
        tuple[int, int, int] | None,
        Option(metavar="I II III", help="Car models of the parts, such as 60 30 60."),
    ] = None,
    images: Annotated[
        tuple[int, int, int] | None,
        Option(metavar="I II III", help="Images of the parts, all models together."),
    ] = None,
    makes: Annotated[int | None, Option(min=1, help="Makes of all models.")] = None,
    pairs: Annotated[
        int | None, Option(help="Pairs of one model, and of two, in each level.")
    ] = None,
    size: Annotated[int | None, Option(min=1, help="Pixels a side.")] = None,
    seed: Annotated[int, options.seed("Another seed draws other models.")] = 1,
    workers: Annotated[
        int | None, Option(min=1, help="Processes; one a processor by default.")
    ] = None,
    dry_run: Annotated[bool, Option("--dry-run", help="Only count.")] = False,
) -> None:
    """Draw car models as CompCars lies on disk.

    Images, boxes, lists and pairs. Drawing that was interrupted goes on when
    the same command is given again.

    Example: python tools/render_compcars.py --output data/compcars --preset demo
    """
    from pydrdl.render import compcars

    folder = options.one_output(output, output_word)
    given = {
        "models": models, "images": images, "makes": makes, "pairs": pairs,
        "size": size, "seed": seed,
    }  # fmt: skip
    chosen = {name: value for name, value in given.items() if value is not None}
    plan = compcars.changed(compcars.PRESETS[preset], **chosen)
    if dry_run:
        catalogue = compcars.draw_catalogue(plan)
        lists = compcars.draw_pairs(plan, catalogue["part3"])
    else:
        catalogue, lists = compcars.render_compcars(
            plan, folder, workers=workers, progress=cli.progress
        )
    cli.console.print(_catalogue_table(catalogue, lists, str(folder)))


def _catalogue_table(
    catalogue: "Catalogue", pairs: dict[str, list[str]], title: str
) -> Table:
    table = Table(
        title, "makes", "models", "images", "pairs", title="rendered CompCars"
    )
    for column in table.columns[1:]:
        column.justify = "right"
    every = [car for cars in catalogue.values() for car in cars]
    for name, cars in [*catalogue.items(), ("all", every)]:
        if name == "all":
            table.add_section()
        images = sum(len(car.images) for car in cars)
        makes = len({car.make for car in cars})
        row = (makes, len(cars), images)
        table.add_row(TITLES.get(name, name), *(f"{n:,}" for n in row))
    table.add_section()
    for level, lines in pairs.items():
        table.add_row(f"{level} pairs, half of them of one model", "", "", "",
                      f"{len(lines):,}")  # fmt: skip
    return table
