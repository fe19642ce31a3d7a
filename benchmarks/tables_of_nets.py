"""The tables of losses, extraction and training, in Markdown."""

import statistics

from documents import as_table
from measured import ratios, spread
from tables_of_benchmarks import ROUNDS, Content, about, at_most

from pydrdl.table import plural

MB = 1e6
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
    return about(runs, what, rounds)


def losses(*runs: Content) -> str:
    """PyTorch's time over Caffe's, a pair of columns for each run."""
    columns = [
        (name, run)
        for run in runs
        for name in AUTOGRAD
        if any(name in outcome["seconds"] for outcome in run["outcomes"])
    ]
    titles = [
        f"{AUTOGRAD[name]}, {plural(run['torch_threads'], 'thread')}"
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
        seconds = outcome["seconds"]
        share = statistics.median(ratios(seconds[COPY], seconds[CAFFE]))
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
        seconds = outcome["seconds"]
        if same and name in seconds:
            median, rounds = spread(ratios(seconds[name], seconds[CAFFE]), ".2f")
            return f"{median} ({rounds})"
    return ""


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
    return about([content], what, rounds)


def extraction(content: Content) -> str:
    """Everyone's time over that of `caffe time`, for each net."""
    ours, base = content["ours"], content["caffe_time"]
    target = content["target_over_caffe_time"]
    rows = []
    for case in content["cases"]:
        for name, seconds in case["seconds"].items():
            ms = 1000 * statistics.median(seconds) / case["images"]
            over = ratios(seconds, case["seconds"][base])
            median = statistics.median(over)
            wanted = at_most(median, target, ".2f") if name == ours else ""
            row = case["case"], name, f"{ms:.2f}", *spread(over, ".2f"), wanted
            rows.append(row)
    titles = ("net", "", "ms/image", "ratio", ROUNDS, "wanted at most")
    return as_table(titles, rows)


def training_about(content: Content) -> str:
    """How the iterations were measured."""
    what = (
        f"{plural(content['iterations'], 'iteration')} of each net in a round; "
        f"BLAS threads: {content['blas_threads']}"
    )
    return about([content], what, len(next(iter(content["seconds"].values()))))


def training(content: Content) -> str:
    """Seconds an iteration, and over the first method's."""
    first, *_ = content["seconds"]
    rows = [
        (
            method,
            f"{statistics.median(seconds):.3f}",
            *spread(ratios(seconds, content["seconds"][first]), ".2f"),
        )
        for method, seconds in content["seconds"].items()
    ]
    return as_table(("", "s/iteration", f"over {first}", ROUNDS), rows)
