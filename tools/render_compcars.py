"""Draws a data set of car models in CompCars' layout."""

from pydrdl import start

start.begin(__name__)  # before the imports that take long

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from rich.table import Table
from typer import Option

from pydrdl import cli
from pydrdl.commands import options
from pydrdl.render.compcars import (
    PRESETS,
    Catalogue,
    changed,
    draw_catalogue,
    draw_pairs,
    render_compcars,
)

TITLES = {
    "part1": "part I, to train and test",
    "part2": "part II, to train verifiers",
    "part3": "part III, pairs",
}


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
        Preset, Option(help="How much to draw; paper: 57,645 images as CompCars has.")
    ] = Preset.demo,
    models: Annotated[
        tuple[int, int, int] | None, Option(help="Car models of parts I, II and III.")
    ] = None,
    images: Annotated[
        tuple[int, int, int] | None, Option(help="Images of parts I, II and III.")
    ] = None,
    makes: Annotated[int | None, Option(help="Makes of all models.")] = None,
    pairs: Annotated[
        int | None, Option(help="Pairs of one model, and of two, in each level.")
    ] = None,
    size: Annotated[int | None, Option(help="Pixels of an image's width.")] = None,
    seed: Annotated[int, options.seed("Another seed draws other models.")] = 1,
    workers: Annotated[
        int | None, Option(min=1, help="Processes; one a processor by default.")
    ] = None,
    dry_run: Annotated[bool, Option("--dry-run", help="Only count.")] = False,
) -> None:
    """Draw car models as CompCars lies on disk: images, boxes, lists and pairs.

    Drawing that was interrupted goes on when the same command is given again.

    Example: python tools/render_compcars.py --output data/compcars --preset demo
    """
    folder = options.one_output(output, output_word)
    given = {
        "models": models, "images": images, "makes": makes, "pairs": pairs,
        "size": size, "seed": seed,
    }  # fmt: skip
    chosen = {name: value for name, value in given.items() if value is not None}
    plan = changed(PRESETS[preset], **chosen)
    if dry_run:
        catalogue = draw_catalogue(plan)
        lists = draw_pairs(plan, catalogue["part3"])
    else:
        catalogue, lists = render_compcars(
            plan, folder, workers=workers, progress=cli.progress
        )
    cli.console.print(_table(catalogue, lists, str(folder)))


def _table(catalogue: Catalogue, pairs: dict[str, list[str]], title: str) -> Table:
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


if __name__ == "__main__":
    cli.run(render)
