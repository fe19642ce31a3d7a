"""How fast vehicles are rendered into files, and where the time goes."""

import shutil
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import cv2
import measured
from rich import box
from rich.table import Table
from typer import Option

from pydrdl import cli
from pydrdl.render.model import draw_model
from pydrdl.render.photo import camera_of, encode, photograph
from pydrdl.render.vehicle import draw_vehicle
from pydrdl.render.vehicleid import (
    PRESETS,
    FleetPlan,
    changed,
    render_vehicleid,
)

SCHEMA = "drdl.bench_render/2"
WARM = 0.1  # share of the vehicles that pass before the clock starts
WANTED = 150.0  # images of 256 x 256 a second, on two cores


class Clock:
    """Counts images a second from the moment when all processes work."""

    def __init__(self) -> None:
        self.rate = 0.0

    def __call__(self, items: Iterable[int], what: str, total: int) -> Iterator[int]:
        """Passes the numbers of images on."""
        skipped, counted, start = int(WARM * total), 0, 0.0
        for number, images in enumerate(items):
            if number == skipped:
                start = time.perf_counter()
            elif number > skipped:
                counted += images
            yield images
        self.rate = counted / (time.perf_counter() - start)


def _round(plan: FleetPlan, folder: Path, workers: int) -> tuple[float, float, int]:
    """Images a second while all processes work, of the whole command; images."""
    clock, start = Clock(), time.perf_counter()
    fleet = render_vehicleid(plan, folder, workers=workers, progress=clock)
    seconds = time.perf_counter() - start
    shutil.rmtree(folder)
    count = len(fleet.names)
    return clock.rate, count / seconds, count


def _stages(plan: FleetPlan, images: int, folder: Path) -> dict[str, float]:
    """Milliseconds of processor time an image, by what is done."""
    cv2.setNumThreads(0)
    spent = dict.fromkeys(("drawing", "JPEG", "file"), 0.0)
    for count in range(images):
        number, image = divmod(count, 8)
        numbers = (plan.seed, number, image)
        started = time.process_time()
        model = draw_model(plan.seed, number % plan.models)
        vehicle = draw_vehicle(plan.seed, number)
        pixels = photograph(model, vehicle, *numbers, plan.size)
        drawn = time.process_time()
        data = encode(pixels, camera_of(*numbers).quality)
        encoded = time.process_time()
        (folder / f"{count:07d}.jpg").write_bytes(data)
        ends = (drawn, encoded, time.process_time())
        for name, begin, end in zip(spent, (started, *ends), ends, strict=False):
            spent[name] += end - begin
    return {name: 1000 * seconds / images for name, seconds in spent.items()}


def measure(
    rounds: Annotated[int, Option(min=1, help="Measurements.")] = 5,
    vehicles: Annotated[int, Option(min=20, help="To render in each round.")] = 150,
    size: Annotated[int, Option(help="Pixels a side.")] = 256,
    workers: Annotated[int, Option(min=1, help="Processes.")] = 2,
    json: Annotated[Path | None, Option(help="Write the figures there.")] = None,
) -> None:
    """Measure images a second, files included.

    Example: python benchmarks/render.py --rounds 5
    """
    machine = measured.machine(measured.NUMPY | measured.CV2)
    plan = changed(PRESETS["demo"], train=vehicles - 1, tests=(1,), size=size)
    with tempfile.TemporaryDirectory() as folder:
        found = [_round(plan, Path(folder) / "set", workers) for _ in range(rounds)]
        stages = _stages(plan, 400, Path(folder))
    steady, whole, (images, *_) = (list(values) for values in zip(*found, strict=True))
    cli.console.print(str(machine), markup=False, soft_wrap=True)
    table = Table(
        f"{size} x {size}, {workers} processes, {images:,} images",
        "median", "of the rounds", box=box.SIMPLE_HEAD,
    )  # fmt: skip
    for name, rates in (("images/s", steady), ("with the start", whole)):
        table.add_row(name, *measured.spread(rates, ",.0f"))
    for name, milliseconds in stages.items():
        table.add_row(f"processor ms/image, {name}", f"{milliseconds:.2f}", "")
    cli.console.print(table)
    verdict = "met" if statistics.median(steady) >= WANTED else "missed"
    cli.console.print(f"wanted on two cores: {WANTED:.0f} images/s: {verdict}")
    if json is not None:
        measured.write(
            json, SCHEMA, machine, size=size, workers=workers, images=images,
            images_per_second=steady, with_start=whole, ms_per_image=stages,
            wanted=WANTED,
        )  # fmt: skip


if __name__ == "__main__":
    cli.run(measure)
