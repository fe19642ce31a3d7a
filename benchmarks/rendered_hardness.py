"""How hard the rendered re-identification is: what knows no vehicle must fail.

Two contestants meet the test vehicles of a preset. A colour histogram sees the
image as it is; the oracle is told each vehicle's model and colour and nothing
else, and among vehicles that share both it guesses (expected rank).
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.table import Table
from typer import Argument, Option

from pydrdl import cli
from pydrdl.datasets import Image as Listed
from pydrdl.protocols import reid
from pydrdl.protocols.split import Split
from pydrdl.render.model import draw_model
from pydrdl.render.photo import camera_of, encode, photograph
from pydrdl.render.vehicle import draw_vehicle
from pydrdl.render.vehicleid import PRESETS, Fleet, FleetPlan, changed, draw_fleet
from pydrdl.report.contact_sheet import SheetRow, contact_sheet
from pydrdl.table import rate

SCHEMA = "drdl.rendered_hardness/1"
RANKS = (1, 5, 10, 20)
SHEET = (6, 4, 5)  # rows, images of the vehicle, look-alikes
Image = NDArray[np.uint8]
Features = NDArray[np.float32]
Rows = Sequence[tuple[int, int]]  # vehicle, and which of its images


def lab_histogram(image: Image) -> Features:
    """8 x 8 x 8 bins of Lab, square roots: L2 is then the Hellinger distance."""
    return _histogram(cv2.cvtColor(image, cv2.COLOR_BGR2LAB), (8, 8, 8), 256)


def hsv_histogram(image: Image) -> Features:
    """16 x 4 x 4 bins of HSV, square roots."""
    return _histogram(cv2.cvtColor(image, cv2.COLOR_BGR2HSV), (16, 4, 4), 180)


def _histogram(image: Image, bins: tuple[int, int, int], first: int) -> Features:
    ranges = [0, first, 0, 256, 0, 256]
    counts = cv2.calcHist([image], [0, 1, 2], None, list(bins), ranges).ravel()
    return np.sqrt(counts / counts.sum(), dtype=np.float32)


def central(describe: Callable[[Image], Features]) -> Callable[[Image], Features]:
    """The same of the middle half of the image, which is mostly vehicle."""

    def inner(image: Image) -> Features:
        edge = image.shape[0] // 4
        return describe(np.ascontiguousarray(image[edge:-edge, edge:-edge]))

    return inner


def thumbnail(image: Image) -> Features:
    """The image in 8 x 8 pixels of Lab: colours and where they are."""
    small = cv2.resize(image, (8, 8), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_BGR2LAB).astype(np.float32).ravel()


CONTESTANTS: dict[str, Callable[[Image], Features]] = {
    "Lab histogram": lab_histogram,
    "HSV histogram": hsv_histogram,
    "Lab histogram, middle": central(lab_histogram),
    "8 x 8 pixels": thumbnail,
}


def oracle(plan: FleetPlan, fleet: Fleet, rows: Rows) -> Features:
    """One feature for each pair of model and colour."""
    kinds = [
        (int(fleet.models[vehicle]), draw_vehicle(plan.seed, vehicle).colour)
        for vehicle, _ in rows
    ]
    known = {kind: k for k, kind in enumerate(sorted(set(kinds)))}
    return np.eye(len(known), dtype=np.float32)[[known[kind] for kind in kinds]]


def _photograph(plan: FleetPlan, fleet: Fleet, vehicle: int, image: int) -> Image:
    """The image as it is read from its file."""
    model = draw_model(plan.seed, int(fleet.models[vehicle]))
    numbers = (plan.seed, vehicle, image)
    pixels = photograph(model, draw_vehicle(plan.seed, vehicle), *numbers, plan.size)
    data = np.frombuffer(encode(pixels, camera_of(*numbers).quality), np.uint8)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _describe(
    plan: FleetPlan, fleet: Fleet, rows: Rows, images: Iterable[tuple[int, int]]
) -> dict[str, Features]:
    found: dict[str, list[Features]] = {name: [] for name in CONTESTANTS}
    for vehicle, image in images:
        pixels = _photograph(plan, fleet, vehicle, image)
        for name, describe in CONTESTANTS.items():
            found[name].append(describe(pixels))
    features = {"model and colour oracle": oracle(plan, fleet, rows)}
    return features | {name: np.stack(rows) for name, rows in found.items()}


def _show(results: dict[str, reid.ReidResult]) -> None:
    table = Table(
        "", "gallery", "probes", *(f"rank-{k}" for k in RANKS), box=box.SIMPLE_HEAD
    )
    for name, result in results.items():
        rates = (rate(result.cmc.mean[k - 1]) for k in RANKS)
        table.add_row(name, f"{result.gallery:,}", f"{result.probes:,}", *rates)
    cli.console.print(table)


def _content(
    plan: FleetPlan, kinds: int, split: Split, results: dict[str, reid.ReidResult]
) -> dict[str, object]:
    first = next(iter(results.values()))
    return {
        "schema": SCHEMA,
        "protocol": reid.PROTOCOL,
        "plan": {
            "train": plan.train, "tests": plan.tests, "models": plan.models,
            "images": plan.images, "size": plan.size, "seed": plan.seed,
        },
        "split": {"name": split.name, "seed": split.seed, "sha256": split.sha256},
        "gallery": first.gallery,
        "probes": first.probes,
        "chance": 1 / first.gallery,
        "pairs_of_model_and_colour": kinds,
        "cmc": {
            name: {
                "mean": {str(k): round(float(r.mean[k - 1]), 4) for k in RANKS},
                "std": {str(k): round(float(r.curves[:, k - 1].std(ddof=1)), 4)
                        for k in RANKS},
            }
            for name, r in results.items()
        },
    }  # fmt: skip


def _sheet(plan: FleetPlan, fleet: Fleet, vehicles: Sequence[int]) -> Image:
    """Vehicles of frequent models, beside others of the same model and colour."""
    alike: dict[tuple[int, int], list[int]] = {}
    for vehicle in vehicles:
        kind = int(fleet.models[vehicle]), draw_vehicle(plan.seed, vehicle).colour
        alike.setdefault(kind, []).append(vehicle)
    rows, shown = [], set()
    for (model, _), group in sorted(alike.items(), key=lambda item: -len(item[1])):
        if model not in shown and len(rows) < SHEET[0]:
            shown.add(model)
            own = max(group, key=lambda v: min(len(e) for e in _ends(plan, fleet, v)))
            others = [v for v in group if v != own][: SHEET[2]]
            front, back = _ends(plan, fleet, own)
            picked = [*front[: SHEET[1] // 2], *back[: SHEET[1] // 2]]
            first = [(_ends(plan, fleet, v)[0] or [0])[0] for v in others]
            rows.append(
                SheetRow(
                    tuple(_listed(fleet, own, image) for image in picked),
                    tuple(map(partial(_listed, fleet), others, first)),
                )
            )

    def read(image: Listed) -> Image:
        names = fleet.entry(image.vehicle_id).images
        number = names.index(int(Path(image.path).stem))
        return _photograph(plan, fleet, image.vehicle_id, number)

    return contact_sheet(rows, 144, read)


def _listed(fleet: Fleet, vehicle: int, image: int) -> Listed:
    name = fleet.entry(vehicle).images[image]
    return Listed(f"{name:07d}.jpg", vehicle, int(fleet.models[vehicle]))


def _ends(plan: FleetPlan, fleet: Fleet, vehicle: int) -> tuple[list[int], list[int]]:
    """Which of a vehicle's images show its front, and which its back."""
    images = range(int(fleet.counts[vehicle]))
    front = [i for i in images if camera_of(plan.seed, vehicle, i).front]
    return front, [i for i in images if i not in front]


def measure(
    output: Annotated[Path, Argument(help="Results as JSON; replaced.")] = Path(
        "docs/rendered.json"
    ),
    preset: Annotated[str, Option(help="Whose longest test list.")] = "demo",
    seed: Annotated[int, Option(help="Of the data set.")] = 1,
    repeats: Annotated[int, Option(min=2, help="Random galleries.")] = 10,
    sheet: Annotated[
        Path | None, Option(help="Draw a contact sheet of look-alikes; replaced.")
    ] = None,
) -> None:
    """Measure what a colour histogram and a model oracle score.

    Example: python benchmarks/rendered_hardness.py docs/rendered.json
    --sheet docs/rendered.jpg
    """
    cv2.setNumThreads(1)
    plan = changed(PRESETS[preset], seed=seed)
    fleet = draw_fleet(plan)
    chosen = fleet.lists[f"test_{plan.tests[-1]}"].tolist()
    rows = [(vehicle, image) for vehicle in chosen
            for image in range(int(fleet.counts[vehicle]))]  # fmt: skip
    names = [f"image/{fleet.names[fleet.starts[v] + i]:07d}.jpg" for v, i in rows]
    vehicles = np.array([vehicle for vehicle, _ in rows], np.int64)
    split = reid.draw_split(names, vehicles, repeats=repeats)
    features = _describe(plan, fleet, rows, cli.progress(rows, "images", len(rows)))
    results = {
        name: reid.evaluate(values, names, vehicles, split, where=name)
        for name, values in features.items()
    }
    kinds = features["model and colour oracle"].shape[1]
    _show(results)
    cli.write_json(output, _content(plan, kinds, split, results))
    if sheet is not None:
        quality = [cv2.IMWRITE_JPEG_QUALITY, 84]
        cv2.imwrite(str(sheet), _sheet(plan, fleet, chosen), quality)


if __name__ == "__main__":
    cli.run(measure)
