"""The documents' tables of match rates, in Markdown."""

import statistics
from collections.abc import Sequence
from typing import Any

from documents import as_table

from pydrdl import paper
from pydrdl.render import compcars
from pydrdl.render.vehicleid import PRESETS, draw_fleet
from pydrdl.table import rate

RANKS = ("1", "5", "10", "20")
Content = dict[str, Any]
# How a document calls what a file's row names.
DEMO = {
    "mixed_difference": f"demo, {paper.MIXED_CCL}",
    "untrained": "demo, the same net untrained",
}
HARDNESS = {
    "model and colour oracle": "oracle: model and colour",
    "Lab histogram": "Lab histogram, 8 x 8 x 8 bins",
    "HSV histogram": "HSV histogram, 16 x 4 x 4 bins",
    "Lab histogram, middle": "Lab histogram of the middle half",
    "8 x 8 pixels": "the image in 8 x 8 pixels of Lab",
}
MAPS = {
    "gradient": "gradient",
    "activation": "activation",
    "activation, pool1": "activation, `--blob pool1`",
}
MAKES = {
    "make oracle": "oracle: the make",
    "gradients": "histograms of gradients, the better of two mirrorings",
    "gradients, LDA": "the same after a discriminant analysis of parts I and II",
}


def demo(content: Content) -> str:
    """Table 6's Small split, and below it the demo's net."""
    (small, *_), found = paper.TEST_SPLITS, {}
    for row in content["results"]["mixed_difference"]:
        found[row["name"]] = row
    rows = [_of_paper(method, small) for method in paper.TABLE_6]
    for name, title in DEMO.items():
        cells = (_over_repeats(found[name]["rates"][rank]) for rank in RANKS)
        rows.append((title, f"{found[name]['gallery']:,}", *cells))
    return as_table(("Match rate", "gallery", *(f"rank {k}" for k in RANKS)), rows)


def processors(committed: Content, here: Content) -> str:
    """The demo's trained net, by the OpenBLAS kernel that computed it."""
    trainings = {"README": committed["results"]["mixed_difference"], **here["results"]}
    rows = []
    for kernel, entries in trainings.items():
        (net,) = (e for e in entries if e["name"] != "untrained")
        rows.append((kernel, *(_over_repeats(net["rates"][rank]) for rank in RANKS)))
    return as_table(("Kernel", *(f"rank {k}" for k in RANKS)), rows)


def _of_paper(method: str, split: paper.TestSplit) -> tuple[str, ...]:
    known = paper.TABLE_6[method][split.name]
    title = f"paper, {method}"
    return title, f"{split.vehicles:,}", rate(known.top1), rate(known.top5), "", ""


def _over_repeats(values: Sequence[float]) -> str:
    return f"{rate(statistics.fmean(values))} ± {rate(statistics.stdev(values))}"


def marks(content: Content) -> str:
    """How much of the heat maps lies on the marks that differ, and by chance."""
    rows = [
        (
            f"{MAPS[kind]}, {net}",
            *(_with_error(one[what]) for what in ("own", "others")),
            rate(content["area"]["mean"]),
            f"{one['own']['mean'] / content['area']['mean']:.1f}",
        )
        for kind in MAPS
        for net, found in content["results"].items()
        for one in (found[kind],)
    ]
    titles = (
        "Share of the map", "on the marks that differ", "on other pairs' marks",
        "their area", "times the area",
    )  # fmt: skip
    return as_table(titles, rows)


def _with_error(found: dict[str, float]) -> str:
    return f"{rate(found['mean'])} ± {rate(found['error'])}"


def hardness(content: Content) -> str:
    """What knows no vehicle, on the drawn ones."""
    rows = [
        (HARDNESS[name], *(rate(found["mean"][rank]) for rank in RANKS))
        for name, found in content["cmc"].items()
    ]
    return as_table(("Match rate", *(f"rank {k}" for k in RANKS)), rows)


def presets() -> str:
    """What tools/render_vehicleid.py --preset draws, counted."""
    rows = []
    for name, plan in PRESETS.items():
        images = len(draw_fleet(plan).names)
        rows.append(
            (
                name,
                f"{plan.train:,} / {plan.vehicles - plan.train:,}",
                f"{plan.models:,}",
                f"{images:,}",
                f"{plan.size}",
            )
        )
    titles = ("Preset", "vehicles to train / to test", "models", "images", "size")
    return as_table(titles, rows)


def levels(content: Content) -> str:
    """How well what knows no car model tells pairs of each level apart."""
    names = list(next(iter(content["auc"].values())))
    rows = [
        (MAKES[name], *(rate(found[level]["mean"]) for level in names))
        for name, found in content["auc"].items()
    ]
    return as_table(("", *names), rows)


def catalogues() -> str:
    """What tools/render_compcars.py --preset draws."""
    rows = [
        (
            name,
            " / ".join(f"{models:,}" for models in plan.models),
            " / ".join(f"{images:,}" for images in plan.images),
            f"{plan.makes}",
            f"{2 * plan.pairs:,}",
            f"{plan.size}",
        )
        for name, plan in compcars.PRESETS.items()
    ]
    titles = "models of parts I / II / III", "images", "makes", "pairs a level", "size"
    return as_table(("Preset", *titles), rows)
