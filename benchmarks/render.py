"""How fast vehicles are rendered into files, and where the time goes."""

import os
import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
from rich import box
from rich.table import Table
from typer import Option

from pydrdl import cli, report
from pydrdl.render.chance import generator
from pydrdl.render.fleet import PRESETS, Plan, changed
from pydrdl.render.model import draw_model
from pydrdl.render.photo import camera_of, draw_shot, paint_scene, photograph
from pydrdl.render.sensor import encode
from pydrdl.render.vehicle import draw_vehicle
from pydrdl.render.writer import render_vehicleid

SCHEMA = "drdl.bench_render/1"
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


def _round(plan: Plan, folder: Path, workers: int) -> tuple[float, float]:
    """Images a second while all processes work, and of the whole command."""
    clock, start = Clock(), time.perf_counter()
    fleet = render_vehicleid(plan, folder, workers=workers, progress=clock)
    seconds = time.perf_counter() - start
    shutil.rmtree(folder)
    return clock.rate, len(fleet.names) / seconds


def _stages(plan: Plan, images: int) -> dict[str, float]:
    """Milliseconds of processor time an image, by what is done."""
    cv2.setNumThreads(0)
    spent = {"scene": 0.0, "the sensor besides": 0.0, "JPEG": 0.0}

    def timed(name: str, function: Callable[[], object]) -> object:
        start = time.process_time()
        result = function()
        spent[name] += time.process_time() - start
        return result

    for count in range(images):
        number, image = divmod(count, 8)
        numbers = (plan.seed, number, image)
        model, vehicle = (
            draw_model(plan.seed, number % 20),
            draw_vehicle(plan.seed, number),
        )
        large = 2 * plan.size

        def scene(model=model, vehicle=vehicle, numbers=numbers, large=large) -> None:  # type: ignore[no-untyped-def]
            random = generator(*numbers)
            shot = draw_shot(model, vehicle, plan.seed, random, large)
            paint_scene(model, vehicle, plan.seed, shot, random, large)

        def whole(model=model, vehicle=vehicle, numbers=numbers) -> np.ndarray:  # type: ignore[no-untyped-def,type-arg]
            return photograph(model, vehicle, *numbers, plan.size)

        timed("scene", scene)
        pixels = timed("the sensor besides", whole)
        timed("JPEG", lambda pixels=pixels, numbers=numbers: encode(
            pixels, camera_of(*numbers).quality))  # fmt: skip
    spent["the sensor besides"] -= spent["scene"]
    return {name: 1000 * seconds / images for name, seconds in spent.items()}


def _hardware() -> dict[str, object]:
    info = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":", 1)[1].strip() for line in info if "model name" in line]
    return {
        "cpu": names[0] if names else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
    }


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
    plan = changed(PRESETS["demo"], train=vehicles - 1, tests=(1,), size=size)
    with tempfile.TemporaryDirectory() as folder:
        found = [_round(plan, Path(folder) / "set", workers) for _ in range(rounds)]
    steady, whole = ([pair[k] for pair in found] for k in (0, 1))
    stages = _stages(plan, 200)
    hardware = _hardware()
    table = Table(
        f"{size} x {size}, {workers} processes, {hardware['cores']} cores",
        "median", "of the rounds", box=box.SIMPLE_HEAD,
    )  # fmt: skip
    for name, rates in (("images/s", steady), ("with the start", whole)):
        spread = f"{min(rates):,.0f} to {max(rates):,.0f}"
        table.add_row(name, f"{statistics.median(rates):,.0f}", spread)
    for name, milliseconds in stages.items():
        table.add_row(f"processor ms/image, {name}", f"{milliseconds:.2f}", "")
    cli.console.print(table)
    verdict = "met" if statistics.median(steady) >= WANTED else "missed"
    cli.console.print(f"wanted on two cores: {WANTED:.0f} images/s: {verdict}")
    if json is not None:
        content = {
            "schema": SCHEMA, "hardware": hardware, "size": size, "workers": workers,
            "images_per_second": steady, "with_start": whole, "ms_per_image": stages,
        }  # fmt: skip
        report.write_json(json, content)


if __name__ == "__main__":
    cli.run(measure)
