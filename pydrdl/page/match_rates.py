"""Re-identification: CMC curves and match rates beside Table 6 and Fig. 10."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from pydrdl import paper
from pydrdl.page import drawing
from pydrdl.page.cells import plural, rate
from pydrdl.page.content import Block, Column, Figure, Group, Row, Section, Table, Text
from pydrdl.page.methods import paper_method, paper_split, why_no_difference
from pydrdl.page.results import Cmc

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RANKS = (1, 5, 10, 20)
IN_PAPER = (1, 5)  # Table 6 has no others


def match_rate_section(results: Sequence[Cmc], *, drawn: bool) -> Section:
    """A figure and a table for each split, since only one split's rates compare.

    Args:
        results: of any splits.
        drawn: the images were rendered.
    """
    methods = list(dict.fromkeys(r.origin.method for r in results))
    place = {method: i for i, method in enumerate(methods)}
    blocks: list[Block] = []
    for number, group in enumerate(by_split(results).values(), start=1):
        key = f"cmc-{number}"
        split = paper_split(group[0].origin, group[0].gallery, drawn=drawn)
        blocks += [
            _figure(key, group, place, split),
            _table(key, group, split),
            *(Text(line) for line in _notes(group, split)),
        ]
    return Section("match-rates", "Match rates (CMC)", blocks)


def by_split(results: Sequence[Cmc]) -> dict[str, list[Cmc]]:
    """Results by their split's hash, in order."""
    groups: dict[str, list[Cmc]] = {}
    for result in results:
        groups.setdefault(str(result.origin.split.get("sha256")), []).append(result)
    return groups


def _table(key: str, group: Sequence[Cmc], split: paper.TestSplit | None) -> Table:
    ours = [_row(result, split) for result in group]
    columns = [
        Column("method", "method"),
        Column("gallery", "gallery", "count"),
        Column("probes", "probes", "count"),
        *(Column(f"rank_{k}", f"rank {k}", "rate", f"rank_{k}_std") for k in RANKS),
    ]
    for k in IN_PAPER:
        if any(row.get(f"change_{k}") is not None for row in ours):
            columns.append(Column(f"change_{k}", f"rank {k} \u2212 paper", "change"))
    shown = paper.split_of_gallery(group[0].gallery) or paper.TEST_SPLITS[0]
    theirs = [_paper_row(method, shown) for method in paper.TABLE_6]
    return Table(
        key,
        f"Match rates, {name_of(group)}",
        columns,
        [
            Group("this run", ours),
            Group(f"the paper, Table 6, {shown.name}", theirs),
        ],
    )


def name_of(group: Sequence[Cmc]) -> str:
    """Data set, split and the gallery's size."""
    data = group[0].origin.data
    size = f"gallery of {group[0].gallery:,}"
    return f"{data}, {size}" if data else size


def _row(result: Cmc, split: paper.TestSplit | None) -> Row:
    row: dict[str, str | int | float | None] = {
        "method": result.origin.method,
        "gallery": result.gallery,
        "probes": result.probes,
    }
    ranks = [k for k in RANKS if k <= result.mean.size]
    for k in ranks:
        row[f"rank_{k}"] = float(result.mean[k - 1])
        row[f"rank_{k}_std"] = None if result.std is None else float(result.std[k - 1])
    method = paper_method(result.origin.method)
    if split is not None and method is not None and method in paper.TABLE_6:
        rates = paper.TABLE_6[method][split.name]
        row["change_1"] = float(result.mean[0]) - rates.top1
        row["change_5"] = float(result.mean[4]) - rates.top5
    return row


def _paper_row(method: str, split: paper.TestSplit) -> Row:
    rates = paper.TABLE_6[method][split.name]
    return {
        "method": method,
        "gallery": split.vehicles,
        "probes": split.probes,
        "rank_1": rates.top1,
        "rank_5": rates.top5,
    }


def _notes(group: Sequence[Cmc], split: paper.TestSplit | None) -> list[str]:
    first = group[0]
    repeats = len(first.repeats)
    drawn = f"gallery: {first.origin.split.get('name', 'unknown')}"
    seed = first.origin.split.get("seed")
    if seed is not None:
        drawn += f", seed {seed}"
    over = (
        "; ± is the standard deviation over them, the band in the figure from "
        "the lowest to the highest"
        if repeats > 1
        else "; one repeat has no spread"
    )
    lines = [
        f"Split {first.origin.split.get('sha256', '')[:16]}, {drawn}; "
        f"{plural(repeats, 'repeat')}{over}. A gallery of {first.gallery:,} gives "
        f"chance a rank-1 rate of {rate(1 / first.gallery, 4)}."
    ]
    if split is None:
        lines.append(why_no_difference(first.gallery))
    elif first.probes != split.probes:
        released = paper.released_split(split.name).probes
        used = "as many as" if first.probes == released else f"{first.probes:,} are"
        lines.append(
            f"The paper's {split.name} split has {split.probes:,} probes, the list "
            f"released after it {released:,}: {used} here."
        )
    tied = [r for r in group if r.tied > 0]
    lines += [
        f"{r.origin.method}: {r.tied:.1%} of the probes have other vehicles exactly as "
        "far as the match; the expected rank counts."
        for r in tied
    ]
    if first.lonely:
        lines.append(
            f"{plural(first.lonely, 'vehicle')} with one image: in the gallery, "
            "without a probe."
        )
    return lines


def _figure(
    key: str,
    group: Sequence[Cmc],
    place: Mapping[str, int],
    split: paper.TestSplit | None,
) -> Figure:
    from matplotlib.figure import Figure as Canvas

    with drawing.style():
        canvas = Canvas(figsize=(7.2, 4.4), layout="constrained")
        axes = canvas.subplots()
        for result in group:
            _draw(axes, result, place[result.origin.method])
        if split is not None:
            _draw_paper(axes, split, place)
        axes.set_xlim(1, max(2, min(group[0].gallery, group[0].mean.size)))
        axes.set_xticks(
            [k for k in (1, 5, 10, 20, 30, 40, 50) if k <= axes.get_xlim()[1]]
        )
        axes.set_ylim(0, 1)
        axes.set_xlabel("rank")
        axes.set_ylabel("match rate")
        axes.grid()
        handles, names = axes.get_legend_handles_labels()
        axes.legend(handles, names, loc="lower right")
        svg, pdf = drawing.to_svg(canvas), drawing.to_pdf(canvas)
    top = "; ".join(f"{r.origin.method} {rate(float(r.mean[0]))}" for r in group)
    band = "band: lowest to highest of the repeats"
    points = "" if split is None else "; points: the paper's Table 6"
    return Figure(
        key,
        f"Cumulative match curves, {name_of(group)}; {band}{points}.",
        f"Match rate against rank 1 to {group[0].mean.size}. Rank-1 rates: {top}.",
        svg,
        pdf,
        {r.origin.method: _drawn(r) for r in group},
    )


def _draw(axes: "Axes", result: Cmc, place: int) -> None:
    ranks = np.arange(1, result.mean.size + 1)
    colour = drawing.SERIES[place % len(drawing.SERIES)]
    axes.plot(
        ranks,
        result.mean,
        color=colour,
        linestyle=drawing.STYLES[place % len(drawing.STYLES)],
        lw=1.8,
        label=f"{result.origin.method} (rank 1: {rate(float(result.mean[0]))})",
    )
    if len(result.repeats) > 1:
        low, high = result.repeats.min(axis=0), result.repeats.max(axis=0)
        axes.fill_between(ranks, low, high, color=colour, alpha=0.18, lw=0)


def _draw_paper(axes: "Axes", split: paper.TestSplit, place: Mapping[str, int]) -> None:
    """The paper's points, in the colour of our row of the same method."""
    ours = {paper_method(method): i for method, i in place.items()}
    for (method, rates), marker in zip(paper.TABLE_6.items(), "^so", strict=True):
        i = ours.get(method)
        axes.plot(
            IN_PAPER,
            (rates[split.name].top1, rates[split.name].top5),
            linestyle="none",
            marker=marker,
            ms=7,
            markerfacecolor="none",
            markeredgewidth=1.5,
            color=drawing.MUTED
            if i is None
            else drawing.SERIES[i % len(drawing.SERIES)],
            label=f"paper: {method}",
            clip_on=False,
            zorder=3,
        )


def _drawn(result: Cmc) -> dict[str, list[float]]:
    return {
        "mean": result.mean.tolist(),
        "low": result.repeats.min(axis=0).tolist(),
        "high": result.repeats.max(axis=0).tolist(),
    }
