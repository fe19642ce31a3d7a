"""Sections of one repeat seen from near: what some probes found, and all distances."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np

from pydrdl.arrays import Int, Pixels
from pydrdl.datasets.dataset import Image
from pydrdl.datasets.images import read_image
from pydrdl.errors import InputError
from pydrdl.pictures import jpeg_of
from pydrdl.protocols.search import (
    OTHER_MODEL,
    SAME,
    SAME_MODEL,
    UNLABELLED,
    Histogram,
    Search,
)
from pydrdl.report import content, drawing
from pydrdl.report.content import Block, Figure, Item, Section, Strip, Strips, Text
from pydrdl.table import Cells, Column, Group, Table, Value

Thumbnail = Callable[[str], bytes]  # from an image's name to a JPEG file

FOUND = 10
SIDE = 96  # pixels of a thumbnail's longer side: 2 to 4 kB each
QUALITY = 80
LOOKS = {
    SAME: (drawing.RIGHT, "-"),
    SAME_MODEL: (drawing.WRONG, "--"),
    OTHER_MODEL: (drawing.SERIES[0], "-."),
    UNLABELLED: (drawing.MUTED, ":"),
}


def strip_section(
    searches: Mapping[str, Search],
    repeat: int,
    thumbnail: Thumbnail,
    failures: int,
    successes: int,
) -> Section:
    """Counts of failures by the model of the first, then strips of each method."""
    blocks: list[Block] = [
        Text(
            "A probe, and the ten gallery images nearest to it, nearest first. A right "
            "one (✓, solid green frame) shows the probe's vehicle. A wrong one (✗, "
            "dashed red frame) says whether it is at least of the same vehicle model; "
            "unlabelled: the model of one of the two is not known. "
            "Below each stands its squared L2 distance. Where the match is not among "
            "the ten, it follows with its rank. Worst failures come first, one of each "
            "vehicle; then successes, from the narrowest to the clearest."
        ),
        _failure_table(searches, repeat),
    ]
    for method, search in searches.items():
        who = f"{method}, repeat {repeat}"
        for title, chosen in (
            ("worst failures", worst_failures(search, failures)),
            ("successes", spread_successes(search, successes)),
        ):
            if not chosen.size:
                blocks.append(Text(f"{who}: no {title} to show."))
                continue
            made = make_strips(search, chosen, thumbnail)
            blocks.append(Strips(f"{method}-{title}", f"{who}: {title}", made))
    return Section("strips", "What was found", blocks)


def worst_failures(search: Search, count: int) -> Int:
    """Probes with the most gallery images closer than their match, worst first.

    One of each vehicle: otherwise one odd vehicle fills the page.
    """
    order = np.argsort(-search.closer, kind="stable")
    failed = order[search.closer[order] > 0]
    return _one_of_each_vehicle(search, failed)[:count]


def spread_successes(search: Search, count: int) -> Int:
    """Probes whose match is nearest, evenly spread from narrow to clear.

    How clear is the ratio of the match's distance to that of the next.
    """
    found = np.flatnonzero((search.closer == 0) & (search.equal == 0))
    if not found.size or search.gallery.size < 2:
        return found[:count]
    _, distances = search.nearest(found, 2)
    # The next is farther than the match, and so farther than 0.
    order = np.argsort(-distances[:, 0] / distances[:, 1], kind="stable")
    ordered = _one_of_each_vehicle(search, found[order])
    places = np.linspace(0, ordered.size - 1, min(count, ordered.size))
    return ordered[places.round().astype(np.int64)]


def _one_of_each_vehicle(search: Search, probes: Int) -> Int:
    vehicles = search.vehicles[search.probes[probes]]
    _, first = np.unique(vehicles, return_index=True)
    return np.asarray(probes[np.sort(first)], np.int64)


def make_strips(search: Search, chosen: Int, thumbnail: Thumbnail) -> list[Strip]:
    """Makes the strips of some probes, given by their positions in search.probes."""

    def item(probe: int, row: int, rank: int, distance: float | None) -> Item:
        models = int(search.models[probe]), int(search.models[row])
        return Item(
            image=search.names[row],
            vehicle=int(search.vehicles[row]),
            model=models[1],
            rank=rank,
            distance=distance,
            right=bool(search.vehicles[probe] == search.vehicles[row]),
            same_model=None if min(models) < 0 else models[0] == models[1],
            jpeg=thumbnail(search.names[row]),
        )

    strips = []
    nearest = zip(*search.nearest(chosen, FOUND), strict=True)
    own = search.match_distances(chosen)
    for position, (found, distances), far in zip(chosen, nearest, own, strict=True):
        row = search.probes[position]
        match = search.gallery[search.match[position]]
        items = [
            item(row, search.gallery[place], rank, float(distance))
            for rank, (place, distance) in enumerate(
                zip(found, distances, strict=True), 1
            )
        ]
        rank = 1 + int(search.closer[position])
        shown = item(row, match, rank, float(far))
        tied = int(search.equal[position])
        strips.append(Strip(item(row, row, 0, None), items, shown, tied))
    return strips


def first_wrong_models(search: Search) -> Counter[str]:
    """How the first found is related to the probe, for each probe that failed."""
    failed = np.flatnonzero(search.closer > 0)
    if not failed.size:
        return Counter()
    found, _ = search.nearest(failed, 1)
    probe = search.models[search.probes[failed]]
    first = search.models[search.gallery[found[:, 0]]]
    labelled = np.where(probe == first, content.SAME, content.OTHER)
    unlabelled = (probe < 0) | (first < 0)
    return Counter(np.where(unlabelled, content.UNLABELLED, labelled).tolist())


def _failure_table(searches: Mapping[str, Search], repeat: int) -> Table:
    columns = [
        Column("method", "method"),
        Column("probes", "probes", "count"),
        Column("failed", "failed at rank 1", "count"),
    ]
    for kind in (content.SAME, content.OTHER, content.UNLABELLED):
        key = kind.replace(" ", "_")
        columns += [Column(key, kind, "count"), Column(f"{key}_share", "share", "rate")]
    columns.append(Column("share", "same model, of the labelled", "rate"))
    rows: list[Cells] = []
    for method, search in searches.items():
        counts = first_wrong_models(search)
        failed = sum(counts.values())
        labelled = failed - counts[content.UNLABELLED]
        row: dict[str, Value] = {"method": method, "probes": search.probes.size}
        row["failed"] = failed
        for kind in (content.SAME, content.OTHER, content.UNLABELLED):
            key = kind.replace(" ", "_")
            row[key] = counts[kind]
            row[f"{key}_share"] = counts[kind] / failed if failed else None
        row["share"] = counts[content.SAME] / labelled if labelled else None
        rows.append(row)
    title = f"Of which model the wrong first one is, repeat {repeat}"
    return Table("failures", title, columns, [Group("", rows)])


def thumbnail_maker(root: Path, images: Iterable[Image], where: object) -> Thumbnail:
    """Makes a function from names to JPEG files, which it keeps.

    images, cut to their boxes, are of the split of the features; where names their
    data set in messages.
    """
    photograph = photograph_reader(root, images, where)
    made: dict[str, bytes] = {}

    def thumbnail(name: str) -> bytes:
        if name not in made:
            made[name] = jpeg_of(photograph(name), SIDE, QUALITY)
        return made[name]

    return thumbnail


def photograph_reader(
    root: Path, images: Iterable[Image], where: object
) -> Callable[[str], Pixels]:
    """Makes a function from names to photographs; arguments as of thumbnail_maker."""
    known = {image.path: image for image in images}

    def photograph(name: str) -> Pixels:
        if name not in known:
            what = f"image {name!r} of the features is not in the data set"
            advice = "give the data set and the split that the features were made of"
            raise InputError(what, where, advice)
        return read_image(root, known[name], None)

    return photograph


def no_thumbnail(name: str) -> bytes:
    """Stands for thumbnail_maker's function where there is no data set."""
    del name
    return b""


def distance_section(searches: Mapping[str, Search], repeat: int) -> Section:
    """Distances of same and of different vehicles, those of one model apart."""
    blocks: list[Block] = [
        Text(
            "Squared L2 distances of all probes to all gallery images of one repeat, "
            "other vehicles of the probe's model apart, which are the hardest to tell "
            "from it. The farther the solid line lies to the left of the others, the "
            "better."
        )
    ]
    groups: list[Group] = []
    for number, (method, search) in enumerate(searches.items(), start=1):
        histogram = search.histogram()
        shown = f"{method}, repeat {repeat}"
        blocks.append(_figure(f"distances-{number}", method, shown, histogram))
        rows: list[Cells] = [
            {
                "kind": kind,
                "pairs": int(counts.sum()),
                "mean": histogram.mean[kind],
                "median": histogram.median(kind),
                "nearer": histogram.nearer.get(kind),
            }
            for kind, counts in histogram.counts.items()
        ]
        groups.append(Group(method, rows))
    columns = [
        Column("kind", "probe and"),
        Column("pairs", "pairs", "count"),
        Column("mean", "mean", "number"),
        Column("median", "median", "number"),
        Column("nearer", "nearer than the probe's match", "rate"),
    ]
    blocks.append(Table("distances", "Squared distances", columns, groups))
    return Section("distances", "Distances", blocks)


def _figure(key: str, method: str, of: str, histogram: Histogram) -> Figure:
    with drawing.style():
        axes = drawing.axes(7.2, 3.2)
        for kind, counts in histogram.counts.items():
            colour, line = LOOKS[kind]
            bins = counts / counts.sum(), histogram.edges
            axes.stairs(*bins, lw=1.8, color=colour, linestyle=line, label=kind)
            if kind == SAME:
                axes.stairs(*bins, color=colour, fill=True, alpha=0.15)
        axes.set_xlim(0, histogram.edges[-1])
        axes.set_ylim(bottom=0)
        axes.set_xlabel("squared L2 distance")
        axes.set_ylabel("share of its pairs")
        axes.grid()
        axes.legend()
        means = "; ".join(f"{kind} {m:.4g}" for kind, m in histogram.mean.items())
        counted = {kind: counts.tolist() for kind, counts in histogram.counts.items()}
        return drawing.figure(
            axes.figure,
            key,
            f"Squared distances, {of}; each line's shares sum to one.",
            f"Histograms of squared distances for {method}. Means: {means}.",
            {"method": method, "edges": histogram.edges.tolist(), "counts": counted},
        )
