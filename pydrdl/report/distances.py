"""Distances of same and of different vehicles, those of one model apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pydrdl.report import drawing
from pydrdl.report.content import (
    Block,
    Column,
    Figure,
    Group,
    Row,
    Section,
    Table,
    Text,
)
from pydrdl.report.search import Search

Int = NDArray[np.int64]
Float64 = NDArray[np.float64]

SAME = "same vehicle"
SAME_MODEL = "other vehicle, same model"
OTHER_MODEL = "other vehicle, other model"
UNLABELLED = "other vehicle, unlabelled"
KINDS = (SAME, SAME_MODEL, OTHER_MODEL, UNLABELLED)
BLOCK = 512
FINE = 4096  # bins that the range is counted in; shown are far fewer
SHOWN = 60


@dataclass(frozen=True)
class Histogram:
    """Counts of squared distances.

    Attributes:
        edges: (B + 1,) of the bins.
        counts: for each kind that occurs (B,).
        mean: of each kind.
        nearer: of each kind but SAME, the share of its pairs that are nearer
            than the probe's match.
    """

    edges: Float64
    counts: Mapping[str, Int]
    mean: Mapping[str, float]
    nearer: Mapping[str, float]

    def total(self, kind: str) -> int:
        """Number of pairs of a kind."""
        return int(self.counts[kind].sum())

    def median(self, kind: str) -> float:
        """The middle of the bin that holds the median."""
        counts = self.counts[kind]
        half = int(np.searchsorted(np.cumsum(counts), (counts.sum() + 1) / 2))
        return float((self.edges[half] + self.edges[half + 1]) / 2)


def measure(search: Search) -> Histogram:
    """Counts the distances of every probe to every gallery image, in blocks."""
    gallery = search.features[search.gallery]
    centre = gallery.mean(axis=0, dtype=np.float64)
    centred = gallery - centre
    norms = np.einsum("ij,ij->i", centred, centred)
    largest = _largest_norm(search, centre)
    # No distance exceeds the sum of the two norms.
    top = float((np.sqrt(norms.max()) + largest) ** 2) or 1.0
    counts = {kind: np.zeros(FINE, np.int64) for kind in KINDS}
    sums, nearer = dict.fromkeys(KINDS, 0.0), dict.fromkeys(KINDS, 0)
    for start in range(0, search.probes.size, BLOCK):
        block = slice(start, start + BLOCK)
        rows, match = search.probes[block], search.match[block]
        probes = search.features[rows] - centre
        far = norms - 2 * (probes @ centred.T)
        far += np.einsum("ij,ij->i", probes, probes)[:, None]
        np.maximum(far, 0.0, out=far)  # rounding
        own = far[np.arange(rows.size), match]
        bins = np.minimum((far * (FINE / top)).astype(np.int64), FINE - 1)
        for kind, mask in _kinds(search, rows, match).items():
            counts[kind] += np.bincount(bins[mask], minlength=FINE)
            sums[kind] += float(far[mask].sum())
            nearer[kind] += int(((far < own[:, None]) & mask).sum())
    return _coarse(top, counts, sums, nearer)


def _largest_norm(search: Search, centre: Float64) -> float:
    """Of the centred probes."""
    largest = 0.0
    for start in range(0, search.probes.size, BLOCK):
        probes = search.features[search.probes[start : start + BLOCK]] - centre
        largest = max(largest, float(np.einsum("ij,ij->i", probes, probes).max()))
    return float(np.sqrt(largest))


def _kinds(search: Search, rows: Int, match: Int) -> dict[str, NDArray[np.bool_]]:
    """Of which kind each pair of a block is; every pair is of one."""
    same = np.zeros((rows.size, search.gallery.size), bool)
    same[np.arange(rows.size), match] = True
    probe, gallery = search.models[rows][:, None], search.models[search.gallery][None]
    unlabelled = (probe < 0) | (gallery < 0)
    alike = probe == gallery
    return {
        SAME: same,
        SAME_MODEL: ~same & ~unlabelled & alike,
        OTHER_MODEL: ~same & ~unlabelled & ~alike,
        UNLABELLED: ~same & unlabelled,
    }


def _coarse(
    top: float,
    counts: Mapping[str, Int],
    sums: Mapping[str, float],
    nearer: Mapping[str, int],
) -> Histogram:
    """Merges fine bins to about SHOWN up to the largest distance."""
    used = int(np.flatnonzero(sum(counts.values()))[-1]) + 1
    width = -(-used // SHOWN)
    bins = -(-used // width)
    held = {kind: c for kind, c in counts.items() if c.any()}
    return Histogram(
        np.arange(bins + 1, dtype=np.float64) * (width * top / FINE),
        {
            kind: np.append(c, np.zeros(width, np.int64))[: bins * width]
            .reshape(bins, width)
            .sum(axis=1)
            for kind, c in held.items()
        },
        {kind: sums[kind] / int(c.sum()) for kind, c in held.items()},
        {kind: nearer[kind] / int(c.sum()) for kind, c in held.items() if kind != SAME},
    )


def distance_section(searches: Sequence[Search]) -> Section:
    """A figure and a table for each method."""
    blocks: list[Block] = [
        Text(
            "Squared L2 distances of all probes to all gallery images of one repeat, "
            "other vehicles of the probe's model apart, which are the hardest to tell "
            "from it. The farther the solid line lies to the left of the others, the "
            "better."
        )
    ]
    groups: list[Group] = []
    for number, search in enumerate(searches, start=1):
        histogram = measure(search)
        blocks.append(_figure(f"distances-{number}", search, histogram))
        rows: list[Row] = [
            {
                "kind": kind,
                "pairs": histogram.total(kind),
                "mean": histogram.mean[kind],
                "median": histogram.median(kind),
                "nearer": histogram.nearer.get(kind),
            }
            for kind in histogram.counts
        ]
        groups.append(Group(search.method, rows))
    columns = [
        Column("kind", "probe and"),
        Column("pairs", "pairs", "count"),
        Column("mean", "mean", "number"),
        Column("median", "median", "number"),
        Column("nearer", "nearer than the probe's match", "rate"),
    ]
    blocks.append(Table("distances", "Squared distances", columns, groups))
    return Section("distances", "Distances", blocks)


_LOOKS = {
    SAME: (drawing.RIGHT, "-"),
    SAME_MODEL: (drawing.WRONG, "--"),
    OTHER_MODEL: (drawing.SERIES[0], "-."),
    UNLABELLED: (drawing.MUTED, ":"),
}


def _figure(key: str, search: Search, histogram: Histogram) -> Figure:
    from matplotlib.figure import Figure as Canvas

    with drawing.style():
        canvas = Canvas(figsize=(7.2, 3.2), layout="constrained")
        axes = canvas.subplots()
        for kind, counts in histogram.counts.items():
            colour, line = _LOOKS[kind]
            density = counts / counts.sum()
            axes.stairs(
                density, histogram.edges, color=colour, lw=1.8, linestyle=line,
                label=kind,
            )  # fmt: skip
            if kind == SAME:
                axes.stairs(
                    density, histogram.edges, color=colour, fill=True, alpha=0.15
                )
        axes.set_xlim(0, histogram.edges[-1])
        axes.set_ylim(bottom=0)
        axes.set_xlabel("squared L2 distance")
        axes.set_ylabel("share of its pairs")
        axes.grid()
        axes.legend()
        svg, pdf = drawing.to_svg(canvas), drawing.to_pdf(canvas)
    means = "; ".join(f"{kind} {mean:.4g}" for kind, mean in histogram.mean.items())
    return Figure(
        key,
        f"Squared distances, {search.method}, repeat {search.repeat}; each line's "
        "shares sum to one.",
        f"Histograms of squared distances for {search.method}. Means: {means}.",
        svg,
        pdf,
        {
            "method": search.method,
            "edges": histogram.edges.tolist(),
            "counts": {kind: c.tolist() for kind, c in histogram.counts.items()},
        },
    )
