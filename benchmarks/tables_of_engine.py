"""The tables of what the CPU engine is worth, in Markdown."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from documents import as_table
from measured import ratios, spread
from tables_of_benchmarks import ROUNDS, about, at_least, at_most

Content = dict[str, Any]
STOCK, OURS, SGEMM = "stock Caffe", "the engine", "sgemm"
TITLES = {SGEMM: "bare sgemm of the same products"}
# What was wanted of a net, on all threads.
FASTER, FLOOR, THREADS = 2.0, 0.95, 1.7
CORES = (8, 32)
SHOWN = 0.01  # of stock Caffe's time; layers that take less stand together


def engine_about(content: Content) -> str:
    """How the engine was measured."""
    nets = content["nets"]
    images = ", ".join(f"{one['net']}: {one['images']} images" for one in nets)
    rounds = len(next(iter(nets[0]["seconds"][STOCK].values())))
    each = content["iterations"]
    what = f"{images}; {each} of everyone a round, of the demo's ten times as many"
    return about([content], what, rounds)


def _cores(net: Content) -> str:
    """As many threads as cores; the engine is tried with more, too."""
    return max(net["seconds"][STOCK], key=int)


def engine(content: Content) -> str:
    """Seconds of an iteration, and stock Caffe's over it."""
    rows = []
    for net in content["nets"]:
        for contestant, by_threads in net["seconds"].items():
            for threads, seconds in by_threads.items():
                stock = net["seconds"][STOCK]
                same = stock.get(threads, stock[_cores(net)])
                rows.append(
                    (
                        net["net"],
                        TITLES.get(contestant, contestant),
                        threads,
                        f"{statistics.median(seconds):.3g}",
                        *spread(ratios(same, seconds), ".2f"),
                    )
                )
    titles = ("net", "", "threads", "s/iteration", "stock over it", ROUNDS)
    return as_table(titles, rows)


def engine_targets(content: Content) -> str:
    """What was wanted, and what came: medians of the rounds."""
    rows = []
    for net in content["nets"]:
        name, seconds, forward = net["net"], net["seconds"], net["forward"]
        most = _cores(net)
        ours = seconds[OURS][most]
        # Stock Caffe is given the number of threads that it is quickest with.
        best = min(seconds[STOCK].values(), key=statistics.median)
        faster = statistics.median(ratios(best, ours))
        wanted = at_least(faster, FASTER, "g")
        rows.append(
            (f"{name}: stock at its best over the engine", f"{faster:.2f}", wanted)
        )
        floor = statistics.median(ratios(ours, seconds[SGEMM][most]))
        wanted = at_most(floor, FLOOR, "g") if name == "paper" else ""
        rows.append((f"{name}: the engine over bare sgemm", f"{floor:.2f}", wanted))
        if most != "1" and "1" in seconds[OURS]:
            more = statistics.median(ratios(seconds[OURS]["1"], ours))
            wanted = at_least(more, THREADS, "g") if name == "demo" else ""
            rows.append((f"{name}: one thread over {most}", f"{more:.2f}", wanted))
        passed = statistics.median(ratios(forward[STOCK], forward[OURS]))
        wanted = at_least(passed, FASTER, "g")
        rows.append((f"{name}: a pass of extraction", f"{passed:.2f}", wanted))
    return as_table(("", "median ratio", "wanted"), rows)


def engine_layers(content: Content) -> str:
    """Milliseconds of each layer of the first net."""
    net = content["nets"][0]
    stock, ours = net["layers"][STOCK], net["layers"][OURS]
    whole = sum(stock.values())
    names = dict.fromkeys(name.split()[0] for name in stock)
    rows, rest = [], [0.0] * 4
    for name in names:
        cells = [
            times.get(f"{name} {way}", 0.0)
            for way in ("forward", "backward")
            for times in (stock, ours)
        ]
        if cells[0] + cells[2] < SHOWN * whole:
            rest = [a + b for a, b in zip(rest, cells, strict=True)]
        else:
            rows.append(_of_layer(name, cells))
    rows.append(_of_layer("all others", rest))
    total = [
        sum(v for k, v in times.items() if k.endswith(way))
        for way in ("forward", "backward")
        for times in (stock, ours)
    ]
    rows.append(_of_layer("together", total))
    titles = ("ms", "forward, stock", "engine", "backward, stock", "engine", "ratio")
    return as_table(titles, rows)


def _of_layer(name: str, cells: Sequence[float]) -> tuple[str, ...]:
    ratio = (cells[0] + cells[2]) / max(cells[1] + cells[3], 1e-9)
    return name, *(f"{ms:,.0f}" for ms in cells), f"{ratio:.1f}"


def engine_memory(content: Content) -> str:
    """Of the largest process of a training, on all threads."""
    rows = [
        (net["net"], *(f"{net['peak'][who] / 1e9:.2f}" for who in (STOCK, OURS)))
        for net in content["nets"]
    ]
    return as_table(("GB", STOCK, OURS), rows)


def engine_cores(content: Content) -> str:
    """Computed, not measured: iterations on more cores, by Amdahl's law."""
    rows = []
    for net in content["nets"]:
        seconds = net["seconds"][OURS]
        most = _cores(net)
        if "1" not in seconds:
            continue
        one, more = (statistics.median(seconds[n]) for n in ("1", most))
        n = int(most)
        serial = min(1.0, max(0.0, (more / one - 1 / n) / (1 - 1 / n)))
        times = (one * (serial + (1 - serial) / cores) for cores in CORES)
        rows.append((net["net"], f"{serial:.2f}", *(f"{t:.2g}" for t in times)))
    titles = ("net", "share that stays serial", *(f"s on {n} cores" for n in CORES))
    return as_table(titles, rows)


def engine_errors(content: Content) -> str:
    """Errors of upstream's code and of the engine, against doubles."""
    found: dict[tuple[str, ...], dict[str, Mapping[str, float]]] = {}
    for row in content["errors"]:
        key = (f"{row['net']}, {row['layer']}", row["pass"], f"{row['kernel']}")
        found.setdefault(key, {})[row["engine"]] = row
    rows = [
        (
            layer,
            f"{kernel} x {kernel}",
            way,
            *(f"{of[engine]['rms']:.1e}" for engine in ("CAFFE", "DEFAULT")),
            *(f"{of[engine]['largest']:.1e}" for engine in ("CAFFE", "DEFAULT")),
        )
        for (layer, way, kernel), of in found.items()
    ]
    of = "rms, CAFFE", "engine", "largest, CAFFE", "engine"
    titles = ("layer", "filters", "", *of)
    return as_table(titles, rows)
