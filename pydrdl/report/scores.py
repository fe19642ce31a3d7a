"""Sections of results: curves, and tables beside the paper's."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

from pydrdl import paper
from pydrdl.report import drawing
from pydrdl.report.content import Block, Figure, Section, Text
from pydrdl.results.comparison import OverTrainings as Over
from pydrdl.results.comparison import (
    Trainings,
    by_method,
    by_test,
    each_alone,
    paper_groups,
    paper_method,
    several,
    table,
)
from pydrdl.results.notes import lost_note, size_note
from pydrdl.results.result import (
    CrossCamera,
    R,
    Reidentification,
    Retrieval,
    Verification,
)
from pydrdl.table import Group, plural, rate, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

IN_PAPER = (1, 5)  # Table 6 has no other ranks
OURS = "this run"
TRAININGS = Text(
    "In a table with several trainings of a method, a row is the mean over "
    "them and ± half the 95 % confidence interval of that mean (Student's t); "
    "a row of one training has no ±. The interval tells what other seeds of "
    "the training would change on these images, not what other vehicles would."
)
MATCHES = {
    "vehicle": "A match is an image of the probe's vehicle.",
    "": "The file is of an older version and does not say whether a match is of the "
    "probe's vehicle or of its model.",
}


def match_rate_section(results: Sequence[Reidentification], *, drawn: bool) -> Section:
    """A figure and a table for each split; drawn: the images were rendered."""
    methods = dict.fromkeys(result.method for result in results)
    place = {method: i for i, method in enumerate(methods)}
    blocks: list[Block] = []
    for number, group in enumerate(by_test(results).values(), start=1):
        key, of, rows = f"cmc-{number}", title_of(group[0]), by_method(group)
        split = None if drawn or not group[0].same_test() else group[0].paper_split
        blocks += [
            _cmc_figure(key, of, rows, place, split),
            *_tables(key, "Match rates", of, rows, _cmc_notes(rows, drawn), drawn),
        ]
    return Section("match-rates", "Match rates (CMC)", _explained(blocks, results))


def retrieval_section(results: Sequence[Retrieval], *, drawn: bool) -> Section:
    """MAP beside Table 4, a table for each split; drawn: images were rendered."""
    blocks: list[Block] = []
    for number, group in enumerate(by_test(results).values(), start=1):
        of, rows = title_of(group[0]), by_method(group)
        below = _map_notes(rows, drawn)
        blocks += _tables(f"map-{number}", "MAP", of, rows, below, drawn)
    return Section("retrieval", "Retrieval (MAP)", _explained(blocks, results))


def verification_section(results: Sequence[Verification]) -> Section:
    """Accuracies beside Table 3."""
    alone = [one for result in results for one in result.lists()]
    rows, key, title = by_method(alone), "verification", "Verification of pairs"
    theirs = [row for level in paper_groups(results) for row in level.rows]
    beside = [Group("the paper, Table 3", theirs)]
    spread = "" if several(rows) else "; ± is the standard deviation over the tenths"
    note = Text(
        "accuracy: the threshold is from training pairs; 10-fold: from nine tenths of "
        f"the pairs for the last{spread}; test-optimal: from the judged pairs "
        "themselves, an upper bound and no result. The paper does not say where its "
        "threshold is from, and measures on CompCars only."
    )
    shown = table(key, title, rows, beside, heading=OURS, compare=True)
    each = _each(key, "Verification by each training", "the tenths", rows)
    return Section(key, "Verification", _explained([shown, note, *each], alone))


def cross_camera_section(results: Sequence[CrossCamera]) -> Section:
    """MAP and match rates by the camera-aware protocols; not in the paper."""
    rows, title, key = by_method(results), "Across cameras", "cross-camera"
    note = Text(
        "Images of the probe's vehicle by the probe's camera are left out. The paper "
        "has no such table."
    )
    each = _each(key, f"{title}, each training", "", rows)
    blocks = [table(key, title, rows), note, *each]
    return Section(key, title, _explained(blocks, results))


def title_of(result: Reidentification | Retrieval) -> str:
    """Data set, split, and the gallery's size or what matched."""
    if isinstance(result, Reidentification):
        more = f"gallery of {result.gallery:,}"
    else:
        more = "matches by vehicle model" if result.by_model else ""
    return ", ".join(filter(None, (result.data, more)))


def _tables(
    key: str,
    what: str,
    of: str,
    rows: Sequence[Trainings[Any]],
    below: Sequence[str],
    drawn: bool,
) -> list[Block]:
    """The table of a split, what must be known below it, and its trainings."""
    title, beside = ", ".join(filter(None, (what, of))), paper_groups([rows[0].first])
    each = ", ".join(filter(None, (f"{what} of each training", of)))
    return [
        table(key, title, rows, beside, heading=OURS, compare=not drawn),
        *map(Text, below),
        *_each(key, each, "repeats", rows),
    ]


def _explained(blocks: Sequence[Block], results: Sequence[R]) -> list[Block]:
    """With what ± is in tables of several trainings, where there is such a table."""
    return [*([TRAININGS] if several(by_method(results)) else []), *blocks]


def _each(
    key: str, title: str, spread: str, rows: Sequence[Trainings[R]]
) -> list[Block]:
    """A table with a row for each training, where a method has several."""
    if not several(rows):
        return []
    behind = f"; ± is the standard deviation over {spread}" if spread else ""
    return [table(f"{key}-trainings", title + behind, each_alone(rows), folded=True)]


def _split_note(rows: Sequence[Trainings[Any]]) -> str:
    """Which split, and what ± is."""
    first = rows[0].first
    seed = "" if first.split.seed is None else f", seed {first.split.seed}"
    over = "; ± is the standard deviation over them" if first.repeats > 1 else ""
    if several(rows):
        over = ", of which each training counts with its mean"
    return (
        f"Split {short(first.split.sha256)}, gallery: {first.split.name}{seed}; "
        f"{plural(first.repeats, 'repeat')}{over}"
    )


def _cmc_notes(rows: Sequence[Trainings[Reidentification]], drawn: bool) -> list[str]:
    first, band = rows[0].first, ""
    if not several(rows):
        band = ", the band in the figure from the lowest to the highest"
        if first.repeats == 1:
            band = "; one repeat has no spread"
    lines = [
        f"{_split_note(rows)}{band}. A gallery of {first.gallery:,} gives chance a "
        f"rank-1 rate of {rate(1 / first.gallery, 4)}."
    ]
    lines.append(size_note(first, drawn=drawn))
    for row in rows:
        tied = fmean(result.ties.probes for result in row.results)
        if tied > 0:
            lines.append(
                f"{row.name}: {tied:.1%} of the probes have other vehicles exactly as "
                "far as the match; the expected rank counts."
            )
    if lost := lost_note(first):
        lines.append(f"{lost}.")
    return lines


def _map_notes(rows: Sequence[Trainings[Retrieval]], drawn: bool) -> list[str]:
    first = rows[0].first
    lost = lost_note(first)
    return [
        " ".join(filter(None, (f"{_split_note(rows)}.", MATCHES.get(first.relevance)))),
        *([f"{lost}."] if lost else []),
        size_note(first, drawn=drawn),
    ]


def _cmc_figure(
    key: str,
    of: str,
    rows: Sequence[Trainings[Reidentification]],
    place: Mapping[str, int],
    split: paper.TestSplit | None,
) -> Figure:
    """Curves of one split (Fig. 10), and the paper's points where it is the same.

    place tells each method's colour in the whole report.
    """
    many, first = several(rows), rows[0].first
    curves = {row.name: _curve(row, many) for row in rows}
    largest = len(first.cmc.mean)
    with drawing.style():
        axes = drawing.axes(7.2, 4.4)
        for row in rows:
            _draw(axes, row.name, curves[row.name], place[row.first.method])
        if split is not None:
            _draw_paper(axes, split, place)
        axes.set_xlim(1, max(2, min(first.gallery, largest)))
        ticks = (1, 5, 10, 20, 30, 40, 50)
        axes.set_xticks([k for k in ticks if k <= axes.get_xlim()[1]])
        axes.set_ylim(0, 1)
        axes.set_xlabel("rank")
        axes.set_ylabel("match rate")
        axes.grid()
        axes.legend(loc="lower right")
        band = "band: lowest to highest of the repeats"
        if many:
            band = (
                "line: mean over trainings; band: 95 % confidence interval of that mean"
            )
            if any(len(row.results) == 1 for row in rows):
                band += ", which a method trained once has not"
        points = "" if split is None else "; points: the paper's Table 6"
        tops = "; ".join(f"{name} {_rank_1(curve)}" for name, curve in curves.items())
        return drawing.figure(
            axes.figure,
            key,
            f"Cumulative match curves, {of}; {band}{points}.",
            f"Match rate against rank 1 to {largest}. Rank-1 rates: {tops}.",
            curves,
        )


def _curve(row: Trainings[Reidentification], many: bool) -> dict[str, Any]:
    """What is drawn of a row: mean, low and high of its band, and its trainings.

    Where any row of the figure has several trainings, the band is the interval of the
    mean over them, which one training has not; otherwise it reaches from the lowest
    to the highest repeat.
    """
    mean = row.first.cmc.mean
    if not many:
        repeats = np.array(row.first.cmc.per_repeat)
        low, high = repeats.min(axis=0), repeats.max(axis=0)
        return {"mean": mean, "low": low.tolist(), "high": high.tolist()}
    if len(row.results) == 1:
        return {"mean": mean}
    curves = {result.name: result.cmc.mean for result in row.results}
    over = [Over(values) for values in zip(*curves.values(), strict=False)]
    low = [at.mean - (at.interval or 0) for at in over]
    high = [at.mean + (at.interval or 0) for at in over]
    means = [at.mean for at in over]
    return {"mean": means, "low": low, "high": high, "trainings": curves}


def _rank_1(curve: Mapping[str, Any]) -> str:
    """The rate at rank 1; its interval where there are several trainings."""
    text = rate(curve["mean"][0])
    if "trainings" not in curve:
        return text
    return f"{text} ± {rate(curve['high'][0] - curve['mean'][0])}"


def _draw(axes: "Axes", name: str, curve: Mapping[str, Any], place: int) -> None:
    ranks = np.arange(1, len(curve["mean"]) + 1)
    colour = drawing.SERIES[place % len(drawing.SERIES)]
    style = drawing.STYLES[place % len(drawing.STYLES)]
    label = f"{name} (rank 1: {_rank_1(curve)})"
    axes.plot(ranks, curve["mean"], color=colour, linestyle=style, lw=1.8, label=label)
    if "low" in curve:
        band = curve["low"], curve["high"]
        axes.fill_between(ranks, *band, color=colour, alpha=0.18, lw=0)


def _draw_paper(axes: "Axes", split: paper.TestSplit, place: Mapping[str, int]) -> None:
    """The paper's points, in the colour of our row of the same method."""
    ours = {paper_method(method): i for method, i in place.items()}
    for (method, rates), marker in zip(paper.TABLE_6.items(), "^so", strict=True):
        i = ours.get(method)
        colour = drawing.MUTED if i is None else drawing.SERIES[i % len(drawing.SERIES)]
        axes.plot(
            IN_PAPER,
            (rates[split.name].top1, rates[split.name].top5),
            linestyle="none",
            marker=marker,
            ms=7,
            markerfacecolor="none",
            markeredgewidth=1.5,
            color=colour,
            label=f"paper: {method}",
            clip_on=False,
            zorder=3,
        )
