"""Writes drawn car models in CompCars' layout on disk."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path

from pydrdl.render.cars import draw_car
from pydrdl.render.catalogue import Car, Catalogue, Plan, draw_catalogue
from pydrdl.render.folder import Passing, fill_folder, write
from pydrdl.render.pairs import draw_pairs
from pydrdl.render.pool import spread
from pydrdl.render.sensor import encode
from pydrdl.render.web_photo import photograph_car

README = """# A rendered CompCars

{images:,} drawn images of {models:,} car models, in the layout of CompCars' images
from the web. No real car is shown; licence plates are blank. Made by
tools/render_compcars.py of DRDL on Caffe with

    {plan}
"""


def render_compcars(
    plan: Plan,
    output: Path,
    *,
    workers: int | None = None,
    progress: Passing = lambda items, what, total: items,
) -> tuple[Catalogue, dict[str, list[str]]]:
    """Draws car models and writes them as CompCars lies on disk.

    Args:
        plan: what to draw.
        output: the folder to make, or one that an interrupted run left.
        workers: processes; None takes one a processor, 1 stays in this one.
        progress: shows how far it is, in models.

    Returns:
        The models by part, and the lines of the three lists of pairs.

    Raises:
        InputError: the folder holds something else, or other plans' images, or
            cannot be written; or part III gives no pairs of a level.
    """
    catalogue = draw_catalogue(plan)
    pairs = draw_pairs(plan, catalogue["part3"])
    cars = [car for part in catalogue.values() for car in part]
    done = spread(partial(_render, plan, Path(output)), cars, workers)
    fill_folder(
        output, json.dumps({"CompCars": asdict(plan)}), ("image", "label"),
        progress(done, "models", len(cars)), [("README.md", [_readme(plan, cars)])],
        split_files(catalogue, pairs),
    )  # fmt: skip
    return catalogue, pairs


def split_files(
    catalogue: Catalogue, pairs: dict[str, list[str]]
) -> Iterator[tuple[str, Iterable[str]]]:
    """Yields the path, inside train_test_split, and the lines of every list."""
    for split, first in (("train", 0), ("test", 1)):  # halves of each model's images
        lines = [
            f"{name}\n" for car in catalogue["part1"] for name in car.images[first::2]
        ]
        yield f"classification/{split}.txt", lines
    lines = [f"{name}\n" for car in catalogue["part2"] for name in car.images]
    yield "verification/verification_train.txt", lines
    for level, lines in pairs.items():
        yield f"verification/verification_pairs_{level}.txt", lines


def _readme(plan: Plan, cars: list[Car]) -> str:
    return README.format(
        images=sum(len(car.images) for car in cars), models=len(cars),
        plan=" ".join(f"{key}={value}" for key, value in asdict(plan).items()),
    )  # fmt: skip


def _render(plan: Plan, output: Path, car: Car) -> int:
    """Draws the images of a model that are not there yet."""
    model = draw_car(plan.seed, car.make, car.number)
    for image, name in enumerate(car.images):
        path = output / "image" / name
        if path.exists():
            continue
        photo = photograph_car(model, plan.seed, car.number, image, plan.size)
        label = output / "label" / f"{name.removesuffix('.jpg')}.txt"
        left, top, right, bottom = photo.box
        lines = (f"{photo.viewpoint:d}", "1", f"{left + 1} {top + 1} {right} {bottom}")
        label.parent.mkdir(parents=True, exist_ok=True)
        # The label first: an image that is there has one.
        write(label, [f"{line}\n".encode() for line in lines])
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, [encode(photo.pixels, photo.quality)])
    return len(car.images)
