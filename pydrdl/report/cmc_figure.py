"""Cumulative match curves of one split (Fig. 10)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pydrdl import paper
from pydrdl.report import drawing
from pydrdl.report.cells import rate
from pydrdl.report.content import Figure
from pydrdl.report.methods import paper_method
from pydrdl.report.results import Cmc
from pydrdl.report.rows import Line, Lines
from pydrdl.results.shared import OverTrainings, training_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

IN_PAPER = (1, 5)  # Table 6 has no other ranks
Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """What is drawn of a method; arrays cover ranks 1 .. K.

    Attributes:
        name: of the method.
        mean: (K,) over repeats, and over trainings where there are several.
        low: (K,) lower end of the band; None without a band.
        high: (K,) its upper end.
        trainings: (K,) mean of each training by name; empty of a single one.
    """

    name: str
    mean: Float64
    low: Float64 | None
    high: Float64 | None
    trainings: Mapping[str, Float64]


def curve_of(line: Line[Cmc], *, several: bool) -> Curve:
    """What is drawn of a row.

    Args:
        line: the row.
        several: whether any row of the figure has several trainings. The band is
            then the interval of the mean over them, which one training has not;
            otherwise it reaches from the lowest to the highest repeat.
    """
    if not several:
        repeats = line.first.repeats
        low, high = repeats.min(axis=0), repeats.max(axis=0)
        return Curve(line.name, line.first.mean, low, high, {})
    curves = {r.origin.method: r.mean for r in line.results}
    if len(curves) == 1:
        return Curve(line.name, line.first.mean, None, None, {})
    columns = np.stack(list(curves.values())).T
    over = [OverTrainings(tuple(column)) for column in columns.tolist()]
    mean = np.array([o.mean for o in over])
    half = np.array([o.interval for o in over], np.float64)
    return Curve(line.name, mean, mean - half, mean + half, curves)


def cmc_figure(
    key: str,
    of: str,
    rows: Lines[Cmc],
    place: Mapping[str, int],
    split: paper.TestSplit | None,
) -> Figure:
    """The curves of all rows, and the paper's points where they compare.

    Args:
        key: of the figure.
        of: what was searched.
        rows: of one split.
        place: of each method among the report's colours.
        split: the paper's, where it is the same.
    """
    from matplotlib.figure import Figure as Canvas

    curves = [curve_of(line, several=rows.several) for line in rows.rows]
    largest = rows.first.mean.size
    with drawing.style():
        canvas = Canvas(figsize=(7.2, 4.4), layout="constrained")
        axes = canvas.subplots()
        for curve in curves:
            _draw(axes, curve, place[training_of(curve.name)[0]])
        if split is not None:
            _draw_paper(axes, split, place)
        axes.set_xlim(1, max(2, min(rows.first.gallery, largest)))
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
    top = "; ".join(f"{c.name} {_rank_1(c)}" for c in curves)
    points = "" if split is None else "; points: the paper's Table 6"
    return Figure(
        key,
        f"Cumulative match curves, {of}; {_band(rows)}{points}.",
        f"Match rate against rank 1 to {largest}. Rank-1 rates: {top}.",
        svg,
        pdf,
        {curve.name: _drawn(curve) for curve in curves},
    )


def _band(rows: Lines[Cmc]) -> str:
    if not rows.several:
        return "band: lowest to highest of the repeats"
    alone = any(len(line.results) == 1 for line in rows.rows)
    return "line: mean over trainings; band: 95 % confidence interval of that mean" + (
        ", which a method trained once has not" if alone else ""
    )


def _rank_1(curve: Curve) -> str:
    """The rate at rank 1; its interval where there are several trainings."""
    text = rate(float(curve.mean[0]))
    if not curve.trainings or curve.high is None:
        return text
    return f"{text} ± {rate(float(curve.high[0] - curve.mean[0]))}"


def _draw(axes: "Axes", curve: Curve, place: int) -> None:
    ranks = np.arange(1, curve.mean.size + 1)
    colour = drawing.SERIES[place % len(drawing.SERIES)]
    axes.plot(
        ranks,
        curve.mean,
        color=colour,
        linestyle=drawing.STYLES[place % len(drawing.STYLES)],
        lw=1.8,
        label=f"{curve.name} (rank 1: {_rank_1(curve)})",
    )
    if curve.low is not None and curve.high is not None:
        axes.fill_between(ranks, curve.low, curve.high, color=colour, alpha=0.18, lw=0)


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


def _drawn(curve: Curve) -> dict[str, Any]:
    data: dict[str, Any] = {"mean": curve.mean.tolist()}
    if curve.low is not None and curve.high is not None:
        data |= {"low": curve.low.tolist(), "high": curve.high.tolist()}
    if curve.trainings:
        data["trainings"] = {n: mean.tolist() for n, mean in curve.trainings.items()}
    return data
