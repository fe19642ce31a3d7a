"""The tables of vehicle search, in Markdown."""

from typing import Any

from documents import as_table
from tables_of_benchmarks import about

Content = dict[str, Any]
# What was wanted of the gallery at its first case.
RECALL, QUERY, MEMORY, ADDED = 0.99, 0.030, 1e9, 10_000


def gallery_about(content: Content) -> str:
    """How galleries were measured."""
    what = "Each contestant is a process of its own, with one thread for its products"
    return about([content], what, 1)


def gallery(content: Content) -> str:
    """A row for each contestant and size."""
    rows = [
        (
            one["name"],
            f"{one['rows']:,} x {one['width']:,}",
            f"{one['add_cpu']:.1f}",
            f"{one['index_cpu']:.1f}",
            f"{one['disk'] / 1e6:,.0f}",
            f"{one['memory'] / 1e6:,.0f}",
            f"{1000 * one['query_cpu']:.1f}",
            f"{one['recall_1']:.3f}",
            f"{one['recall_50']:.3f}",
        )
        for one in content["results"]
    ]
    titles = (
        "", "rows", "add, CPU s", "index, CPU s", "disk, MB", "memory, MB",
        "a query, CPU ms", "recall@1", "recall@50",
    )  # fmt: skip
    return as_table(titles, rows)


def gallery_targets(content: Content) -> str:
    """What was wanted of ours."""
    rows = []
    ours = content["results"][0]["name"]
    for one in content["results"]:
        if one["name"] != ours:
            continue
        size = f"{one['rows']:,} x {one['width']:,}"
        added = one["rows"] / one["add_cpu"]
        for what, found, wanted, digits, held in (
            ("recall@50", one["recall_50"], RECALL, ".3f", one["recall_50"] >= RECALL),
            ("CPU s a query", one["query_cpu"], QUERY, ".3f",
             one["query_cpu"] <= QUERY),
            ("bytes in memory", one["memory"], MEMORY, ",.0f", one["memory"] < MEMORY),
            ("rows added a CPU s", added, ADDED, ",.0f", added >= ADDED),
        ):  # fmt: skip
            said = f"{wanted:{digits}}" + ("" if held else ": missed")
            rows.append((size, what, f"{found:{digits}}", said))
    return as_table(("rows", "", "measured", "wanted"), rows)
