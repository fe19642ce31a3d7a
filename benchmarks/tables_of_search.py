"""The tables of vehicle search, in Markdown."""

from math import ceil
from statistics import median
from typing import Any, NamedTuple

from documents import as_table
from measured import percentile, spread
from tables_of_benchmarks import ROUNDS, about, at_least, at_most

Content = dict[str, Any]
# What is wanted of the gallery: recall@50, CPU ms a query among so many rows, MB of the
# searching process, rows added a second.
RECALL, QUERY, MEMORY, ADDED = 0.99, 30.0, 1000.0, 10_000.0
ROWS_OF_QUERY = 200_000
ABOVE_NET = 0.3  # seconds of a photograph's answer besides the net
GALLERIES = 10_000_000, 1_000_000_000  # rows that were not measured


class Rented(NamedTuple):
    """A machine as it is rented; assumed, no offer of anybody's."""

    cores: int = 16
    memory: float = 64e9
    used: float = 0.7  # of both
    core_hour: float = 0.05  # US dollars
    queries: float = 1.0  # asked of all machines together, a second


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
            f"{one['disk_at_most'] / 1e6:,.0f}",
            f"{one['memory'] / 1e6:,.0f}",
            f"{1000 * median(one['query_cpu']):.1f}",
            f"{one['recall_1']:.3f}",
            f"{one['recall_50']:.3f}",
        )
        for run in runs
        for one in run["results"]
    ]
    titles = (
        "", "rows", "add, CPU s", "index, CPU s", "disk, MB", "at most", "memory, MB",
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


def scale(*runs: Content) -> str:
    """What larger galleries take, computed from the one of most values a row."""
    ours = [one for run in runs for one in run["results"] if one["name"] == run["ours"]]
    one = max(ours, key=lambda row: row["width"])
    rows = []
    for many in GALLERIES:
        size = computed(one, many, Rented())
        rows.append(
            (
                f"{many:,} x {one['width']:,}",
                f"{size.disk / 1e9:,.0f}",
                f"{size.memory / 1e9:,.0f}",
                f"{size.query:,.1f}",
                f"{size.machines:,}",
                f"{size.index / 3600:,.0f}",
                f"{size.cost:,.0f}",
            )
        )
    titles = (
        "rows, computed", "disk, GB", "index in memory, GB", "a query, CPU s",
        "machines", "index, CPU h each", "US dollars a day",
    )  # fmt: skip
    return as_table(titles, rows)


class Computed(NamedTuple):
    """What a gallery takes: bytes and CPU seconds."""

    disk: float
    memory: float
    query: float  # of all machines together
    index: float  # of each machine
    machines: int
    cost: float  # US dollars a day


def computed(one: Content, rows: int, rented: Rented) -> Computed:
    """What so many rows take, from what was measured of fewer.

    Disk and a query grow as the rows do (an eighth of the cells is searched, of
    whatever number), the index's making by the power 1.5 (each row is compared with
    a cell for each square root of rows). Machines hold equal parts of the rows, each
    its part of the index in memory, and answer every query together.
    """
    times = rows / one["rows"]
    memory = float(rows * one["width"])  # a byte a value
    query = median(one["query_cpu"]) * times
    machines = max(
        ceil(memory / (rented.memory * rented.used)),
        ceil(query * rented.queries / (rented.cores * rented.used)),
    )
    return Computed(
        disk=one["disk_at_most"] * times,
        memory=memory,
        query=query,
        index=one["index_cpu"] * (times / machines) ** 1.5,
        machines=machines,
        cost=machines * rented.cores * 24 * rented.core_hour,
    )


def serving_about(content: Content) -> str:
    """How the server was measured."""
    what = (
        f"A gallery of {content['rows']:,} rows; {content['clients']} clients for "
        f"{content['seconds']:.0f} s, each asking anew when it has its answer; large "
        f"photographs have {content['large'][0]:,} x {content['large'][1]:,} pixels"
    )
    return about([content], what, 1)


def serving(content: Content) -> str:
    """Seconds of answers, and what became of the requests of many clients."""
    net = content["forward"]
    rows = [("the net's forward pass", f"{net:.3f}", "", "", "")]
    for name, key in (("alone", "alone"), ("alone, large", "alone_large")):
        times, cpu = content[key], content[f"{key}_cpu"]
        above = at_most(median(times) - net, ABOVE_NET, ".1f")
        missed = ": missed" if above.endswith("missed") else ""
        rows.append(
            (
                name, f"{median(times):.3f}", f"{percentile(times):.3f}",
                f"{median(times) - net:.3f}{missed}", f"{cpu:.3f}",
            )
        )  # fmt: skip
    times = content["times"]
    many = f"{content['clients']} clients at once"
    rows.append((many, f"{median(times):.3f}", f"{percentile(times):.3f}", "", ""))
    titles = ("a photograph", "s, median", "95 %", "above the net", "CPU s")
    return as_table(titles, rows)


def serving_requests(content: Content) -> str:
    """What became of the requests of many clients."""
    rows = [
        ("answered", f"{content['answered']:,}", ""),
        (
            "answered wrongly",
            f"{content['wrong']:,}",
            at_most(content["wrong"], 0, "d"),
        ),
        ("lost", f"{content['lost']:,}", at_most(content["lost"], 0, "d")),
        ("told to come later (429)", f"{content['told_to_wait']:,}", ""),
        ("server's memory at most, MB", f"{content['memory'] / 1e6:,.0f}", ""),
    ]
    return as_table(("requests", "measured", "wanted"), rows)


def _size(one: Content) -> str:
    return f"{one['rows']:,} x {one['width']:,}"
