"""The tables of vehicle search, in Markdown."""

from statistics import median
from typing import Any

from documents import as_table
from measured import spread
from tables_of_benchmarks import ROUNDS, about, at_least, at_most

Content = dict[str, Any]
# What is wanted of the gallery: recall@50, CPU ms a query among so many rows, MB of the
# searching process, rows added a second.
RECALL, QUERY, MEMORY, ADDED = 0.99, 30.0, 1000.0, 10_000.0
ROWS_OF_QUERY = 200_000


def gallery_about(*runs: Content) -> str:
    """How galleries were measured."""
    what = (
        "Times are CPU seconds, and of queries ratios in one round. Each contestant is "
        "a process of its own, with one thread for its products; the index's makers "
        "take all cores"
    )
    return about(runs, what, runs[0]["rounds"])


def gallery(*runs: Content) -> str:
    """What each contestant takes to make, to keep and to ask."""
    rows = [
        (
            one["name"],
            _size(one),
            f"{one['add_cpu']:.0f}" if one["add_cpu"] else "",
            f"{one['index_cpu']:.0f}" if one["index_cpu"] else "",
            f"{one['disk'] / 1e6:,.0f}",
            f"{one['memory'] / 1e6:,.0f}",
            f"{1000 * median(one['query_cpu']):.1f}",
            f"{one['recall_1']:.3f}",
            f"{one['recall_50']:.3f}",
        )
        for run in runs
        for one in run["results"]
    ]
    titles = (
        "", "rows", "add, CPU s", "index, CPU s", "disk, MB", "memory, MB",
        "a query, CPU ms", "recall@1", "recall@50",
    )  # fmt: skip
    return as_table(titles, rows)


def gallery_ratios(*runs: Content) -> str:
    """CPU time of a query over that of comparing with every row, in the same round."""
    rows = []
    for run, one in ((each, row) for each in runs for row in each["results"]):
        every = next(
            other["query_cpu"]
            for other in run["results"]
            if other["name"] == run["every"] and _size(other) == _size(one)
        )
        for what, times in (("", "query_cpu"), (", with filters", "filtered_cpu")):
            if one["name"] != run["every"] and one[times]:
                pairs = zip(one[times], every, strict=True)
                values = [mine / theirs for mine, theirs in pairs]
                rows.append((one["name"] + what, _size(one), *spread(values, ".2f")))
    return as_table(("a query over every row", "rows", "median ratio", ROUNDS), rows)


def gallery_targets(*runs: Content) -> str:
    """What was wanted of ours."""
    rows = []
    for run, one in ((each, row) for each in runs for row in each["results"]):
        if one["name"] == run["ours"]:
            size, added = _size(one), one["rows"] / one["add_cpu"]
            query, memory = 1000 * median(one["query_cpu"]), one["memory"] / 1e6
            recall, wanted = one["recall_50"], ""
            if one["rows"] <= ROWS_OF_QUERY:
                wanted = at_most(query, QUERY, ".0f")
            rows += [
                ("recall@50", size, f"{recall:.3f}", at_least(recall, RECALL, ".2f")),
                ("CPU ms a query", size, f"{query:.1f}", wanted),
                ("MB", size, f"{memory:,.0f}", at_most(memory, MEMORY, ",.0f")),
                (
                    "rows added a CPU s", size, f"{added:,.0f}",
                    at_least(added, ADDED, ",.0f"),
                ),
            ]  # fmt: skip
    return as_table((runs[0]["ours"], "rows", "measured", "wanted"), rows)


def _size(one: Content) -> str:
    return f"{one['rows']:,} x {one['width']:,}"
