"""How hard the pairs of the drawn CompCars are, by level.

Three contestants judge part III's pairs: an oracle that is told each car's make and
nothing else, histograms of gradients as they are, and the same after a linear
discriminant analysis that knows the models of parts I and II.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.table import Table
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from typer import Argument, Option

from pydrdl import cli
from pydrdl.datasets import Dataset, Image, read_compcars
from pydrdl.datasets.images import read_image
from pydrdl.protocols import verification
from pydrdl.render.compcars import (
    PRESETS,
    CataloguePlan,
    changed,
    render_compcars,
)
from pydrdl.report.contact_sheet import choose_rows, contact_sheet
from pydrdl.table import rate

SCHEMA = "drdl.rendered_compcars/1"
SIDE = 64  # pixels, of the box
HOG = ((SIDE, SIDE), (16, 16), (8, 8), (8, 8), 9)
KEPT, DIRECTIONS = 200, 40  # dimensions after PCA and after LDA
SHEET = (4, 5, 3)  # models, images of each, others of its make
Features = NDArray[np.float64]
Scores = dict[str, dict[str, float]]  # AUC by contestant and level


def describe(data: Dataset, images: Sequence[Image]) -> tuple[Features, Features]:
    """Gradient histograms of the cars, as they are and mirrored, N x D each."""
    hog = cv2.HOGDescriptor(*HOG)
    rows = []
    for image in images:
        pixels = read_image(data.root, image, (SIDE, SIDE))
        both = (pixels, np.ascontiguousarray(pixels[:, ::-1]))
        rows.append([np.asarray(hog.compute(view)).ravel() for view in both])
    plain, mirrored = np.array(rows, float).transpose(1, 0, 2)
    return plain, mirrored


def distances(data: Dataset) -> dict[str, dict[str, Features]]:
    """Distances of each level's pairs, by contestant."""
    known = [*data.splits["part1"], *data.splits["part2"]]
    judged = list(data.splits["part3"])
    own, other = describe(data, known)
    labels = [image.vehicle_id for image in known]
    reduce = PCA(min(KEPT, len(known)), whiten=True, random_state=0).fit(own)
    analysis = LinearDiscriminantAnalysis(
        solver="eigen",
        shrinkage=0.1,
        n_components=min(DIRECTIONS, len(set(labels)) - 1),
    )
    analysis.fit(reduce.transform(np.r_[own, other]), labels * 2)
    first, second = describe(data, judged)
    learned = sum(analysis.transform(reduce.transform(x)) for x in (first, second))
    rows = {image.path: k for k, image in enumerate(judged)}
    found: dict[str, dict[str, Features]] = {
        "make oracle": {}, "gradients": {}, "gradients, LDA": {}
    }  # fmt: skip
    for level, pairs in data.pairs.items():
        a = [rows[pair.first.path] for pair in pairs]
        b = [rows[pair.second.path] for pair in pairs]
        found["make oracle"][level] = np.array(
            [float(pair.first.model_id != pair.second.model_id) for pair in pairs]
        )
        either = [np.linalg.norm(first[a] - x[b], axis=1) for x in (first, second)]
        found["gradients"][level] = np.minimum(*either)
        found["gradients, LDA"][level] = np.linalg.norm(learned[a] - learned[b], axis=1)
    return found


def judge(data: Dataset) -> Scores:
    """The area under the ROC of each contestant and level."""
    return {
        name: {
            level: verification.evaluate(
                values, [pair.same for pair in data.pairs[level]]
            ).auc
            for level, values in levels.items()
        }
        for name, levels in distances(data).items()
    }


def draw_sheet(data: Dataset) -> NDArray[np.uint8]:
    """Car models in rows, beside each others of its make; whole pictures."""
    rows = choose_rows(data.splits["part1"], *SHEET, 0)

    def read(image: Image) -> NDArray[np.uint8]:
        return np.asarray(cv2.imread(str(data.root / image.path)), np.uint8)

    return contact_sheet(rows, 120, read)


def _content(
    plan: CataloguePlan, seeds: Sequence[int], scores: Sequence[Scores]
) -> object:
    every = {
        name: {level: [s[name][level] for s in scores] for level in levels}
        for name, levels in scores[0].items()
    }
    return {
        "schema": SCHEMA,
        "plan": {
            "models": plan.models, "images": plan.images, "makes": plan.makes,
            "pairs": plan.pairs, "size": plan.size, "seeds": list(seeds),
        },
        "auc": {
            name: {
                level: {"mean": round(float(np.mean(values)), 4),
                        "each": [round(value, 4) for value in values]}
                for level, values in levels.items()
            }
            for name, levels in every.items()
        },
    }  # fmt: skip


def _show(scores: Sequence[Scores]) -> None:
    levels = list(next(iter(scores[0].values())))
    table = Table("AUC", *levels, box=box.SIMPLE_HEAD)
    for name in scores[0]:
        means = (np.mean([s[name][level] for s in scores]) for level in levels)
        table.add_row(name, *(rate(float(mean)) for mean in means))
    cli.console.print(table)


def measure(
    output: Annotated[Path, Argument(help="Results as JSON; replaced.")] = Path(
        "docs/rendered_compcars.json"
    ),
    preset: Annotated[str, Option(help="What is drawn.")] = "demo",
    seeds: Annotated[int, Option(min=1, help="Data sets: seeds 1 to this.")] = 3,
    sheet: Annotated[
        Path | None, Option(help="Draw a contact sheet of seed 1; replaced.")
    ] = None,
) -> None:
    """Measure how well a make oracle and gradients tell pairs apart.

    Example: python benchmarks/rendered_compcars.py docs/rendered_compcars.json
    --sheet docs/rendered_compcars.jpg
    """
    plan, scores = PRESETS[preset], []
    numbers = range(1, seeds + 1)
    for seed in numbers:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / "drawn"
            render_compcars(changed(plan, seed=seed), root, progress=cli.progress)
            data = read_compcars(root)
            scores.append(judge(data))
            if sheet is not None and seed == 1:
                quality = [cv2.IMWRITE_JPEG_QUALITY, 80]
                cv2.imwrite(str(sheet), draw_sheet(data), quality)
    _show(scores)
    cli.write_json(output, _content(plan, numbers, scores))


if __name__ == "__main__":
    cli.run(measure)
