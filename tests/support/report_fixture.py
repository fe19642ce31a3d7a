"""A small data set with all that a report is made from."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from commands import run_tool

from pydrdl.features import FeatureSet, Source, write_features
from pydrdl.report.content import Report
from pydrdl.table import Table

GOOD, BAD = "ccl", "<script>alert('x')</script> & $a_b$ | \"c\""
VEHICLES, IMAGES, DIMENSIONS, REPEATS = 24, 4, 6, 3
LOG = """\
I1122 10:00:00.000000  1 solver.cpp:300] Solving net
I1122 10:00:01.000000  1 solver.cpp:240] Iteration 0 (0 iter/s, 0s/5), loss = 0.9
I1122 10:00:01.000000  1 solver.cpp:259]     Train net output #0: ccl_loss = 0.8 \
(* 1 = 0.8 loss)
I1122 10:00:01.000000  1 solver.cpp:259]     Train net output #1: ccl_d_pos = 0.5
I1122 10:00:01.000000  1 sgd_solver.cpp:105] Iteration 0, lr = 0.01
I1122 10:00:02.000000  1 solver.cpp:240] Iteration 5 (5 iter/s, 1s/5), loss = 0.4
I1122 10:00:02.000000  1 solver.cpp:259]     Train net output #0: ccl_loss = 0.3 \
(* 1 = 0.3 loss)
I1122 10:00:02.000000  1 solver.cpp:259]     Train net output #1: ccl_d_pos = 0.2
I1122 10:00:02.000000  1 sgd_solver.cpp:105] Iteration 5, lr = 0.007
I1122 10:00:03.000000  1 solver.cpp:333] Optimization Done.
"""


@dataclass(frozen=True)
class Inputs:
    """Paths of what make_inputs wrote."""

    folder: Path
    list: Path
    features: dict[str, Path]
    cmc: Path
    log: Path

    def options(self) -> list[str]:
        """All of it, as tools/report.py takes it."""
        return [
            *("--result", str(self.cmc), "--data", str(self.list)),
            *("--log", f"{GOOD}={self.log}", "--command", "make report"),
            *(
                word
                for name, path in self.features.items()
                for word in ("--features", f"{name}={path}")
            ),
        ]


def make_inputs(folder: Path) -> Inputs:
    """Writes images, their list, features of two methods, their CMC and a log."""
    rng = np.random.default_rng(5)
    vehicles = np.repeat(np.arange(100, 100 + VEHICLES), IMAGES)
    # Three models, every sixth vehicle unlabelled.
    models = np.where(vehicles % 6 == 0, -1, vehicles % 3)
    names = [f"{i:03d}.jpg" for i in rng.permutation(vehicles.size)]
    lines = []
    for i, name in enumerate(names):
        pixels = rng.integers(0, 256, (20, 30, 3)).astype(np.uint8)
        cv2.imwrite(str(folder / name), pixels)
        lines.append(f"{name} {vehicles[i]} {models[i]}\n")
    image_list = folder / "photographs.txt"
    image_list.write_text("".join(lines))
    centres = rng.standard_normal((VEHICLES, DIMENSIONS))[vehicles - 100]
    paths = {}
    for number, (method, noise) in enumerate(((GOOD, 0.5), (BAD, 1.5))):
        features = centres + noise * rng.standard_normal(centres.shape)
        content = FeatureSet(
            features.astype(np.float32),
            tuple(names),
            vehicles,
            models,
            np.full(vehicles.size, -1),
            Source(
                net="ccl/deploy.prototxt",
                weights="ccl_iter_7.caffemodel" if not number else "untrained, seed 1",
                layer="feature",
                dataset="photographs",
                split="all",
                preprocess='{"crop": 64}',
            ),
        )
        paths[method] = folder / f"{number}.h5"
        write_features(paths[method], content)
    cmc, log = folder / "cmc.json", folder / "train.log"
    done = run_tool(
        "eval_cmc.py", *paths.values(), "--name", GOOD, "--name", BAD, "--json", cmc,
        "--repeats", REPEATS, "--seed", 4,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    log.write_text(LOG)
    return Inputs(folder, image_list, paths, cmc, log)


def table(report: Report, key: str) -> Table:
    """The table of that key."""
    return next(t for t in report.tables() if t.key == key)


def rows(report: Report, key: str) -> list[dict[str, object]]:
    """The rows of the table of that key."""
    return [dict(row) for group in table(report, key).groups for row in group.rows]


def as_trainings(result: Path, output: Path, seeds: int) -> Path:
    """The same result file, as if the first row's method had been trained often.

    Every number between 0 and 1 is another in each training, and so are features.
    """
    content = json.loads(result.read_text())
    first, *others = content["results"]
    rng = np.random.default_rng(3)
    trained = []
    for seed in range(1, seeds + 1):
        entry = moved(first, float(rng.uniform(0.6, 1.0)))
        entry |= {"name": f"{first['name']}, seed {seed}", "seed": seed}
        entry["features"] = first["features"] | {
            "sha256": f"{seed:064d}",
            "weights": f"runs/seed{seed}/ccl_iter_7.caffemodel",
        }
        trained.append(entry)
    output.write_text(json.dumps(content | {"results": trained + others}))
    return output


def moved(value: Any, factor: float) -> Any:
    """JSON with every number between 0 and 1 multiplied."""
    if isinstance(value, dict):
        return {name: moved(held, factor) for name, held in value.items()}
    if isinstance(value, list):
        return [moved(held, factor) for held in value]
    return value * factor if isinstance(value, float) and 0 < value <= 1 else value


def as_paper_split(
    cmc: Path, output: Path, gallery: int, probes: int, dataset: str = "VehicleID"
) -> Path:
    """The same result, as if it were of another data set and size."""
    content = json.loads(cmc.read_text())
    for entry in content["results"]:
        entry.update(gallery=gallery, probes=probes)
        entry["features"]["dataset"] = dataset
    output.write_text(json.dumps(content))
    return output
