"""Rank strips: what some probes found, failures first."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from pydrdl.report.cells import plural
from pydrdl.report.content import (
    Block,
    Column,
    Group,
    Item,
    Row,
    Section,
    Strip,
    Strips,
    Table,
    Text,
)
from pydrdl.report.nearest import nearest, squared_distances
from pydrdl.report.search import Int, Search
from pydrdl.report.thumbnails import Thumbnail

FOUND = 10
SAME, OTHER, UNLABELLED = "same model", "other model", "unlabelled"


def strip_section(
    searches: Sequence[Search], thumbnail: Thumbnail, failures: int, successes: int
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
        _failure_table(searches),
    ]
    for search in searches:
        of = f"{search.method}, repeat {search.repeat}"
        for title, chosen in (
            ("worst failures", worst_failures(search, failures)),
            ("successes", spread_successes(search, successes)),
        ):
            if not chosen.size:
                blocks.append(Text(f"{of}: no {title} to show."))
                continue
            made = make_strips(search, chosen, thumbnail)
            blocks.append(Strips(f"{search.method}-{title}", f"{of}: {title}", made))
    return Section("strips", "What was found", blocks)


def worst_failures(search: Search, count: int) -> Int:
    """Probes with the most gallery images closer than their match, worst first.

    One of each vehicle: otherwise one odd vehicle fills the page.
    """
    order = np.argsort(-search.counts.closer, kind="stable")
    failed = order[search.counts.closer[order] > 0]
    return _one_of_each_vehicle(search, failed)[:count]


def spread_successes(search: Search, count: int) -> Int:
    """Probes whose match is nearest, evenly spread from narrow to clear.

    How clear is the ratio of the match's distance to that of the next.
    """
    found = np.flatnonzero((search.counts.closer == 0) & (search.counts.equal == 0))
    if not found.size or search.gallery.size < 2:
        return found[:count]
    _, distances = nearest(
        search.features[search.probes[found]], search.features[search.gallery], 2
    )
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
    rows = search.probes[chosen]
    found, distances = nearest(
        search.features[rows], search.features[search.gallery], FOUND
    )
    strips = []
    for i, (position, row) in enumerate(zip(chosen, rows, strict=True)):
        match = search.gallery[search.match[position]]
        own = squared_distances(search.features[row], search.features[match][None])
        rank = 1 + int(search.counts.closer[position])
        items = [
            _item(search, row, search.gallery[g], n, float(d), thumbnail)
            for n, (g, d) in enumerate(zip(found[i], distances[i], strict=True), 1)
        ]
        strips.append(
            Strip(
                _item(search, row, row, 0, None, thumbnail),
                items,
                _item(search, row, match, rank, float(own[0]), thumbnail),
                int(search.counts.equal[position]),
            )
        )
    return strips


def _item(
    search: Search,
    probe: int,
    row: int,
    rank: int,
    distance: float | None,
    thumbnail: Thumbnail,
) -> Item:
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


def first_wrong_models(search: Search) -> Counter[str]:
    """How the first found is related to the probe, for each probe that failed."""
    failed = np.flatnonzero(search.counts.closer > 0)
    if not failed.size:
        return Counter()
    rows = search.probes[failed]
    found, _ = nearest(search.features[rows], search.features[search.gallery], 1)
    probe = search.models[rows]
    first = search.models[search.gallery[found[:, 0]]]
    unlabelled = (probe < 0) | (first < 0)
    kinds = np.where(unlabelled, UNLABELLED, np.where(probe == first, SAME, OTHER))
    return Counter(kinds.tolist())


def _failure_table(searches: Sequence[Search]) -> Table:
    rows: list[Row] = []
    for search in searches:
        counts = first_wrong_models(search)
        failed = sum(counts.values())
        row: dict[str, str | int | float | None] = {
            "method": search.method,
            "probes": search.probes.size,
            "failed": failed,
        }
        for key, kind in (
            ("same_model", SAME),
            ("other_model", OTHER),
            ("unlabelled", UNLABELLED),
        ):
            row[key] = counts[kind]
            row[f"{key}_share"] = counts[kind] / failed if failed else None
        labelled = counts[SAME] + counts[OTHER]
        row["share"] = counts[SAME] / labelled if labelled else None
        rows.append(row)
    repeats = sorted({search.repeat for search in searches})
    return Table(
        "failures",
        "Of which model the wrong first one is, "
        + " and ".join(f"repeat {repeat}" for repeat in repeats),
        [
            Column("method", "method"),
            Column("probes", "probes", "count"),
            Column("failed", "failed at rank 1", "count"),
            Column("same_model", SAME, "count"),
            Column("same_model_share", "share", "rate"),
            Column("other_model", OTHER, "count"),
            Column("other_model_share", "share", "rate"),
            Column("unlabelled", UNLABELLED, "count"),
            Column("unlabelled_share", "share", "rate"),
            Column("share", "same model, of the labelled", "rate"),
        ],
        [Group("", rows)],
    )


def summary(strip: Strip) -> str:
    """What a strip shows, in one line."""
    probe = strip.probe
    model = f"model {probe.model}" if probe.model >= 0 else "unlabelled"
    tied = f", tied with {plural(strip.tied, 'other')}" if strip.tied else ""
    return (
        f"{probe.image}, vehicle {probe.vehicle}, {model}: match at rank "
        f"{strip.match.rank:,}{tied}"
    )


def mark(item: Item) -> str:
    """Right or wrong, without colour."""
    return "✓" if item.right else "✗"


def relation(item: Item) -> str:
    """How a wrong one is related to the probe; empty for a right one."""
    if item.right:
        return ""
    return {None: UNLABELLED, True: SAME, False: OTHER}[item.same_model]


def item_alt(item: Item) -> str:
    """What an image of a strip shows, for those who cannot see it."""
    if not item.rank:
        return f"probe {item.image}, vehicle {item.vehicle}"
    verdict = "right" if item.right else f"wrong, {relation(item)}"
    return f"rank {item.rank:,}: {item.image}, vehicle {item.vehicle}, {verdict}"
