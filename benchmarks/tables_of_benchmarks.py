"""The tables of the benchmarks' results, in Markdown.

Every function takes what a benchmark wrote with --json, of one run or of several,
and gives whole lines.
"""

import statistics
from collections.abc import Sequence
from typing import Any

from documents import as_table, paragraph
from measured import Machine, spread

from pydrdl.report import number

ROUNDS = "of the rounds"
Content = dict[str, Any]
MB = 1e6


def _about(runs: Sequence[Content], what: str, rounds: int) -> str:
    """The commands, the machine, and what was measured."""
    lines = "".join(f"    {content['command']}\n" for content in runs)
    machine = str(Machine(**runs[0]["machine"]))
    for content in runs[1:]:
        more = str(Machine(**content["machine"]))
        # Most often, only the load is another.
        machine += f", {more.removeprefix(machine.rpartition('; ')[0] + '; ')}"
    return f"{lines}\n" + paragraph(f"{machine}. {what}; {number(rounds, 'round')}.")


def _at_least(median: float, target: float, digits: str) -> str:
    return f"{target:{digits}}" + ("" if median >= target else ": missed")


def _at_most(median: float, target: float, digits: str) -> str:
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
    return _about([content], what, len(content["rates"][0]["images_per_s"]))


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
        wanted = _at_least(statistics.median(row["values"]), row["target"], digits)
        rows.append((row["name"], *spread(row["values"], digits), wanted))
    return as_table(("PairSetData", "median ratio", ROUNDS, "wanted"), rows)


COPY, CAFFE = "copy", "Caffe"  # as loss_layers.py names them
AUTOGRAD = {"PyTorch": "eager", "torch.compile": "`torch.compile`"}


def losses_about(*runs: Content) -> str:
    """How the losses were measured, each run with its number of threads."""
    first = runs[0]
    device = first["gpu"] or "the CPU"
    what = (
        f"D = {first['dim']:,}, float, on {device}; of Caffe's time "
        f"{1000 * first['seconds_without_work']:.3f} ms are pycaffe's and the net's "
        "(one set, D = 1)"
    )
    rounds = len(first["outcomes"][0]["seconds"][CAFFE])
    return _about(runs, what, rounds)


def losses(*runs: Content) -> str:
    """PyTorch's time over Caffe's, a pair of columns for each run."""
    columns = [
        (name, run)
        for run in runs
        for name in AUTOGRAD
        if any(name in outcome["seconds"] for outcome in run["outcomes"])
    ]
    titles = [
        f"{AUTOGRAD[name]}, {number(run['torch_threads'], 'thread')}"
        for name, run in columns
    ]
    rows = []
    for outcome in runs[0]["outcomes"]:
        ms = 1000 * statistics.median(outcome["seconds"][CAFFE])
        cells = [_over_caffe(run, outcome, name) for name, run in columns]
        rows.append((_loss(outcome), f"{outcome['sets']:,}", f"{ms:#.3g}", *cells))
    return as_table(("", "sets", "Caffe, ms", *titles), rows)


def losses_bandwidth(*runs: Content) -> str:
    """A plain copy's time over Caffe's, of the first run."""
    outcomes = runs[0]["outcomes"]
    sizes = list(dict.fromkeys(outcome["sets"] for outcome in outcomes))
    shares: dict[str, list[str]] = {}
    for outcome in outcomes:
        share = statistics.median(_ratios(outcome["seconds"], COPY, CAFFE))
        shares.setdefault(_loss(outcome), []).append(f"{share:.2f}")
    titles = []
    for size in sizes:
        moved = [o["bytes"] / MB for o in outcomes if o["sets"] == size]
        least, most = f"{min(moved):.3g}", f"{max(moved):.3g}"
        titles.append(
            f"{size:,} sets ({least}" + (f" to {most}" * (least != most)) + " MB)"
        )
    return as_table(("", *titles), [(name, *row) for name, row in shares.items()])


def _loss(outcome: Content) -> str:
    return f"{outcome['layer'].removesuffix('Loss')}, {outcome['way']}"


def _over_caffe(run: Content, like: Content, name: str) -> str:
    """In a run's outcome of the same loss over as many sets."""
    for outcome in run["outcomes"]:
        same = all(outcome[key] == like[key] for key in ("layer", "way", "sets"))
        if same and name in outcome["seconds"]:
            median, rounds = spread(_ratios(outcome["seconds"], name, CAFFE), ".2f")
            return f"{median} ({rounds})"
    return ""


def _ratios(seconds: dict[str, list[float]], one: str, other: str) -> list[float]:
    pairs = zip(seconds[one], seconds[other], strict=True)
    return [a / b for a, b in pairs]


def build_lmdb_about(content: Content) -> str:
    """How the builder was measured."""
    what = (
        f"{content['images']:,} images of {content['mean_bytes'] / 1000:.0f} kB in the "
        f"mean; {number(content['threads'], 'thread')}"
    )
    return _about([content], what, len(next(iter(content["seconds"].values()))))


def build_lmdb_rates(content: Content) -> str:
    """Images a second of everyone."""
    rows = [
        (name, *spread([content["images"] / s for s in seconds], ",.0f"))
        for name, seconds in content["seconds"].items()
    ]
    return as_table(("", "images/s, median", ROUNDS), rows)


def build_lmdb_ratios(content: Content) -> str:
    """The builder's rate over that of OpenCV's calls."""
    rows = []
    for row in content["ratios"]:
        values = _ratios(content["seconds"], row["bare"], row["ours"])
        target = row["target"]
        median = statistics.median(values)
        wanted = "" if target is None else _at_least(median, target, "")
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
        f"{content['dimensions']:,} dimensions, {number(content['repeats'], 'repeat')}"
    )
    for missing in content["not_measured"]:
        what += f"; {missing}"
    return _about([content], what, len(content["contestants"][0]["seconds"]))


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
    wanted = _at_most(ratio, targets["over_bare_sgemm"], "")
    rows = [("ratio to bare sgemm", f"{ratio:.2f}", wanted)]
    peak = content["peak_mib"]
    if peak is not None:
        wanted = _at_most(peak, targets["peak_mib"], ",.0f")
        rows.append(("MiB of memory beyond the features", f"{peak:,.0f}", wanted))
    return as_table((content["ours"], "measured", "wanted at most"), rows)


def render_about(content: Content) -> str:
    """How rendering was measured."""
    what = (
        f"{content['images']:,} images of {content['size']} x {content['size']} in "
        f"each round, files included, by {content['workers']} processes"
    )
    return _about([content], what, len(content["images_per_second"]))


def render(content: Content) -> str:
    """Images a second, and what an image takes."""
    rates = content["images_per_second"]
    wanted = _at_least(statistics.median(rates), content["wanted"], ".0f")
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


def extraction_about(content: Content) -> str:
    """How the extraction was measured."""
    cases = "; ".join(
        f"{case['case']}: {case['images']:,} images of {case['bytes'] / 1000:.1f} kB"
        for case in content["cases"]
    )
    what = (
        f"{cases} in the mean; {content['batch']} a pass; "
        f"BLAS threads: {content['blas_threads']}"
    )
    rounds = len(content["cases"][0]["seconds"][content["ours"]])
    return _about([content], what, rounds)


def extraction(content: Content) -> str:
    """Everyone's time over that of `caffe time`, for each net."""
    ours, base = content["ours"], content["caffe_time"]
    target = content["target_over_caffe_time"]
    rows = []
    for case in content["cases"]:
        for name, seconds in case["seconds"].items():
            ms = 1000 * statistics.median(seconds) / case["images"]
            ratios = _ratios(case["seconds"], name, base)
            median = statistics.median(ratios)
            wanted = _at_most(median, target, ".2f") if name == ours else ""
            row = case["case"], name, f"{ms:.2f}", *spread(ratios, ".2f"), wanted
            rows.append(row)
    titles = ("net", "", "ms/image", "ratio", ROUNDS, "wanted at most")
    return as_table(titles, rows)
