"""The tables of the benchmarks' results, in Markdown.

Every function takes what a benchmark wrote with --json, of one run or of several,
and gives whole lines.
"""

import statistics
from collections.abc import Sequence
from typing import Any

from documents import as_table, paragraph
from measured import Machine, ratios, spread

from pydrdl.reproduce.runner import exactly
from pydrdl.table import plural

ROUNDS = "of the rounds"
Content = dict[str, Any]
MB = 1e6


def about(runs: Sequence[Content], what: str, rounds: int) -> str:
    """The commands, the machine, and what was measured."""
    lines = "".join(f"    {content['command']}\n" for content in runs)
    machine = str(Machine(**runs[0]["machine"]))
    for content in runs[1:]:
        more = str(Machine(**content["machine"]))
        # Most often, only the load is another.
        machine += f", {more.removeprefix(machine.rpartition('; ')[0] + '; ')}"
    return f"{lines}\n" + paragraph(f"{machine}. {what}; {plural(rounds, 'round')}.")


def at_least(median: float, target: float, digits: str) -> str:
    """What was wanted, and whether it was missed."""
    return f"{target:{digits}}" + ("" if median >= target else ": missed")


def at_most(median: float, target: float, digits: str) -> str:
    """What was wanted, and whether it was missed."""
    return f"{target:{digits}}" + ("" if median <= target else ": missed")


def pair_set_data_about(content: Content) -> str:
    """How PairSetData was measured."""
    what = (
        f"{content['images']:,} drawn images of {content['mean_bytes'] / 1000:.1f} kB "
        f"in the mean (quality {content['jpeg_quality']}); libcaffe decodes with "
        f"OpenCV {content['opencv_in_libcaffe']}"
    )
    missing = content["not_measured"]
    for name, why in missing.items():
        what += f"; {name}: {why}"
    return about([content], what, len(content["rates"][0]["images_per_s"]))


def pair_set_data_rates(content: Content) -> str:
    """Images a second of everyone."""
    rows = [
        (row["name"], str(row["threads"]), *spread(row["images_per_s"], ",.0f"))
        for row in sorted(content["rates"], key=lambda r: (r["name"], r["threads"]))
    ]
    return as_table(("", "threads", "images/s, median", ROUNDS), rows)


def pair_set_data_ratios(content: Content) -> str:
    """PairSetData's rate over the others'."""
    rows = []
    for row in content["ratios"]:
        digits = ".2f" if row["target"] < 100 else ",.0f"
        wanted = at_least(statistics.median(row["values"]), row["target"], digits)
        rows.append((row["name"], *spread(row["values"], digits), wanted))
    return as_table(("PairSetData", "median ratio", ROUNDS, "wanted"), rows)


def build_lmdb_about(content: Content) -> str:
    """How the builder was measured."""
    what = (
        f"{content['images']:,} images of {content['mean_bytes'] / 1000:.0f} kB in the "
        f"mean; {plural(content['threads'], 'thread')}"
    )
    return about([content], what, len(next(iter(content["seconds"].values()))))


def build_lmdb_rates(content: Content) -> str:
    """Images a second of everyone."""
    rows = [
        (name, *spread([content["images"] / s for s in seconds], ",.0f"))
        for name, seconds in content["seconds"].items()
    ]
    return as_table(("", "images/s, median", ROUNDS), rows)


def build_lmdb_ratios(content: Content) -> str:
    """The builder's rate over that of OpenCV's calls."""
    rows, seconds = [], content["seconds"]
    for row in content["ratios"]:
        values = ratios(seconds[row["bare"]], seconds[row["ours"]])
        target = row["target"]
        median = statistics.median(values)
        wanted = "" if target is None else at_least(median, target, "")
        rows.append(
            (f"{row['ours']} over {row['bare']}", *spread(values, ".2f"), wanted)
        )
    return as_table(("", "median ratio", ROUNDS, "wanted"), rows)


def build_lmdb_memory(content: Content) -> str:
    """What a build takes, the list of images apart."""
    rows = [
        (
            f"{row['images']:,}",
            row["what"],
            f"{row['before'] / MB:,.0f}",
            f"{(row['listed'] - row['before']) / MB:,.0f}",
            f"{(row['peak'] - row['listed']) / MB:,.0f}",
            f"{row['peak'] / MB:,.0f}",
        )
        for row in content["memory"]
    ]
    titles = (
        "images", "stored", "modules, MB", "list, MB", "more, MB", "peak, MB",
    )  # fmt: skip
    return as_table(titles, rows)


def evaluation_about(content: Content) -> str:
    """How the evaluation was measured."""
    what = (
        f"{content['probes']:,} probes, {content['gallery']:,} gallery images, "
        f"{content['dimensions']:,} dimensions, {plural(content['repeats'], 'repeat')}"
    )
    for missing in content["not_measured"]:
        what += f"; {missing}"
    return about([content], what, len(content["contestants"][0]["seconds"]))


def evaluation(content: Content) -> str:
    """Everyone's time over that of the bare products."""
    rows = [
        (
            row["name"],
            *spread(row["over_bare_sgemm"], ".2f"),
            f"{min(row['seconds']):.2f}",
            "" if row["rank1"] is None else f"{row['rank1']:.5f}",
        )
        for row in content["contestants"]
    ]
    titles = ("", "ratio, median", ROUNDS, "seconds, quickest round", "rank 1")
    return as_table(titles, rows)


def evaluation_targets(content: Content) -> str:
    """What was wanted of pydrdl, and what came."""
    (ours,) = (r for r in content["contestants"] if r["name"] == content["ours"])
    targets, ratio = content["targets"], statistics.median(ours["over_bare_sgemm"])
    wanted = at_most(ratio, targets["over_bare_sgemm"], "")
    rows = [("ratio to bare sgemm", f"{ratio:.2f}", wanted)]
    peak = content["peak_mib"]
    if peak is not None:
        wanted = at_most(peak, targets["peak_mib"], ",.0f")
        rows.append(("MiB of memory beyond the features", f"{peak:,.0f}", wanted))
    return as_table((content["ours"], "measured", "wanted at most"), rows)


def render_about(content: Content) -> str:
    """How rendering was measured."""
    what = (
        f"{content['images']:,} images of {content['size']} x {content['size']} in "
        f"each round, files included, by {content['workers']} processes"
    )
    return about([content], what, len(content["images_per_second"]))


def render(content: Content) -> str:
    """Images a second, and what an image takes."""
    rates = content["images_per_second"]
    wanted = at_least(statistics.median(rates), content["wanted"], ".0f")
    whole = spread(content["with_start"], ",.0f")
    rows = [
        ("images/s while all processes work", *spread(rates, ",.0f"), wanted),
        ("images/s of the whole command, start included", *whole, ""),
    ]
    for name, milliseconds in content["ms_per_image"].items():
        rows.append(
            (f"ms of processor time an image, {name}", f"{milliseconds:.1f}", "", "")
        )
    return as_table(("", "median", ROUNDS, "wanted"), rows)


def commands_about(content: Content) -> str:
    """What the commands were timed by, and where."""
    machine = str(Machine(**content["machine"]))
    return f"    {content['command']}\n\n" + paragraph(f"{machine}; once each.")


def commands(content: Content) -> str:
    """Whole commands: what stood before, time and memory."""
    rows = [
        (
            f"`{one['words']}`",
            one["before"],
            exactly(one["seconds"]) + (f" {one['each']}" if one["each"] else ""),
            f"{one['peak'] / 1e9:.1f}",
        )
        for one in content["commands"]
    ]
    titles = ("", "what was there before", "time", "GB of the largest process")
    return as_table(titles, rows)
