"""The report's first lines: what came out, and how far to trust it."""

from collections.abc import Mapping, Sequence

from pydrdl import paper
from pydrdl.datasets.types import Dataset
from pydrdl.page.cells import change, plural, rate
from pydrdl.page.content import Block, Section, Text
from pydrdl.page.dataset import is_rendered
from pydrdl.page.match_rates import by_split, name_of
from pydrdl.page.methods import paper_method, paper_split
from pydrdl.page.results import Cmc, Results
from pydrdl.page.training import bad_rows
from pydrdl.training_log import TrainingLog


def glance_section(
    results: Results, dataset: Dataset | None, logs: Mapping[str, TrainingLog]
) -> Section:
    """A line for each split, and a warning for what spoils comparison."""
    drawn = dataset is not None and is_rendered(dataset)
    groups = by_split(results.cmc).values()
    blocks: list[Block] = [Text(_best(group, drawn)) for group in groups]
    if results.map:
        best = max(results.map, key=lambda r: r.step)
        score = _spread(best.step, best.step_std)
        blocks.append(Text(f"Highest MAP: {best.origin.method}, {score}."))
    if drawn:
        blocks.append(
            Text(
                "The images are drawn, not photographed: the numbers show that the "
                "pipeline works and how methods compare on these drawings, not how "
                "they do on VehicleID.",
                kind="warning",
            )
        )
    blocks += [
        Text(
            f"{name}: {plural(bad_rows(log), 'row')} of the training log with NaN or "
            "infinity.",
            kind="warning",
        )
        for name, log in logs.items()
        if bad_rows(log)
    ]
    return Section("glance", "At a glance", blocks)


def _best(group: Sequence[Cmc], drawn: bool) -> str:
    best = max(group, key=lambda r: float(r.mean[0]))
    std = None if best.std is None else float(best.std[0])
    line = (
        f"{name_of(group)}: the highest rank-1 match rate is {best.origin.method}'s, "
        f"{_spread(float(best.mean[0]), std)} over "
        f"{plural(len(best.repeats), 'repeat')} of {best.probes:,} probes; chance is "
        f"{rate(1 / best.gallery, 4)}."
    )
    split = paper_split(best.origin, best.gallery, drawn=drawn)
    method = paper_method(best.origin.method)
    if split is not None and method is not None and method in paper.TABLE_6:
        theirs = paper.TABLE_6[method][split.name].top1
        return (
            f"{line} The paper's {method} has {rate(theirs)} on {split.name} "
            f"({change(float(best.mean[0]) - theirs)})."
        )
    return line


def _spread(mean: float, std: float | None) -> str:
    return rate(mean) + ("" if std is None else f" \u00b1 {rate(std)}")
