"""How much of the heat maps lies on the marks by which drawn vehicles differ.

Pairs of test vehicles of one model and colour, seen from the same end. Beside the
share of each map's weight on its pair's marks stand what would have it by chance:
the marks' share of the photograph's area, and the map's share on other pairs' marks,
which lie where marks lie on vehicles anyway.
"""

from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
from explanation_marks import (
    KINDS,
    DrawnPair,
    Localised,
    drawn_pairs,
    localise,
    photographs_of,
)
from rich import box
from rich.table import Table
from typer import Argument, Option

from pydrdl import cli
from pydrdl.arrays import Float64, Pixels
from pydrdl.explain.maps import explain_pair, input_of
from pydrdl.explain.picture import GAP, GROUND, LINE, SIDE, draw_explanation
from pydrdl.features.extract import Extractor, open_extractor
from pydrdl.pictures import in_square
from pydrdl.render.vehicleid import PRESETS, FleetPlan, changed, draw_fleet
from pydrdl.table import rate

SCHEMA = "drdl.explanations/1"
NET = Path("prototxt/demo/mixed_difference/deploy.prototxt")
FINE = "pool1"  # a blob of more places than the last convolutions', beside these
SEED = 1  # of the net that was not trained


def summary(values: Float64, pairs: int) -> dict[str, float]:
    """The mean, and its standard error as if a pair's photographs were one."""
    error = values.std(ddof=1) / np.sqrt(pairs)
    return {"mean": round(float(values.mean()), 4), "error": round(float(error), 4)}


def row(found: Localised, pairs: int) -> dict[str, object]:
    """What is kept of a kind of maps."""
    return {
        "own": summary(found.own, pairs),
        "others": summary(found.others, pairs),
        "above_chance": round(float((found.own > found.area).mean()), 4),
    }


def drawing(extractor: Extractor, plan: FleetPlan, pair: DrawnPair) -> Pixels:
    """The maps of a pair, and beside them, white, where its marks differ."""
    drawn = [*photographs_of(plan, pair)]
    first, second = (input_of(pixels, extractor.preprocess) for pixels, _ in drawn)
    names = [f"vehicle {vehicle}" for vehicle in pair.vehicles]
    found = explain_pair(extractor, (first, second), names)
    pixels = [one for one, _ in drawn]
    maps = draw_explanation(pixels, names, found, extractor.preprocess)
    beside = np.full((maps.shape[0], SIDE + GAP, 3), 255, np.uint8)
    for number, (_, marks) in enumerate(drawn):
        white = np.repeat(marks[..., None], 3, axis=2).astype(np.uint8) * 255
        top = LINE + number * (SIDE + LINE)
        beside[top : top + SIDE, :SIDE] = in_square(white, SIDE, GROUND)
    return np.hstack([maps, beside])


def measure(
    output: Annotated[Path, Argument(help="Results as JSON; replaced.")],
    weights: Annotated[Path, Option(help="The trained net's .caffemodel.")],
    net: Annotated[Path, Option(help="Its deploy.prototxt.")] = NET,
    preset: Annotated[str, Option(help="Whose longest test list.")] = "demo",
    seed: Annotated[int, Option(help="Of the data set.")] = 1,
    sheet: Annotated[
        Path | None, Option(help="Draw the maps of one pair (JPEG); replaced.")
    ] = None,
    pair: Annotated[int, Option(min=0, help="Which pair that is.")] = 0,
) -> None:
    """Measure how much of the maps lies on the marks that differ.

    Example: python benchmarks/explanations.py docs/explain.json
    --weights data/demo/mixed_difference_iter_300.caffemodel --sheet docs/explain.jpg
    """
    cv2.setNumThreads(1)
    plan = changed(PRESETS[preset], seed=seed)
    fleet = draw_fleet(plan)
    pairs = drawn_pairs(plan, fleet, fleet.lists[f"test_{plan.tests[-1]}"].tolist())
    trained = open_extractor(net, weights=weights, backward=True)
    nets = {
        "trained": trained,
        "untrained": open_extractor(net, untrained=SEED, backward=True),
    }
    table = Table("net", "map", "its marks", "others'", "area", box=box.SIMPLE_HEAD)
    results: dict[str, dict[str, object]] = {}
    for name, extractor in nets.items():
        found = localise(extractor, plan, pairs, cli.progress)
        fine = localise(extractor, plan, pairs, cli.progress, [FINE])
        found[f"{KINDS[1]}, {FINE}"] = fine[KINDS[1]]
        results[name] = {kind: row(one, len(pairs)) for kind, one in found.items()}
        for kind, one in found.items():
            shares = one.own, one.others, one.area
            table.add_row(name, kind, *(rate(float(each.mean())) for each in shares))
    cli.console.print(table)
    area = found[KINDS[0]].area
    content = {
        "schema": SCHEMA,
        "plan": {
            "train": plan.train, "tests": plan.tests, "models": plan.models,
            "images": plan.images, "size": plan.size, "seed": plan.seed,
        },
        "net_sha256": trained.source.net_sha256,
        "weights": weights.name,
        "weights_sha256": trained.source.weights_sha256,
        "pairs": len(pairs),
        "photographs": int(area.size),
        "area": summary(area, len(pairs)),
        "results": results,
    }  # fmt: skip
    cli.write_json(output, content)
    if sheet is not None:
        quality = [cv2.IMWRITE_JPEG_QUALITY, 84]
        cv2.imwrite(str(sheet), drawing(trained, plan, pairs[pair]), quality)


if __name__ == "__main__":
    cli.run(measure)
