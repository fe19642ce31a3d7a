"""How long Table 6's evaluation of the Large split takes, beside bare products."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated

import measured
import numpy as np
from rich import box
from rich.table import Table
from typer import Option

from pydrdl import cli, paper
from pydrdl.protocols import reid
from pydrdl.protocols.split import Split

SCHEMA = "drdl.bench_evaluation/2"
LARGE = paper.RELEASED_SPLITS[-1]
OURS, BARE = "pydrdl", "bare sgemm"
TARGET = 1.15
NEAR_TARGET = 3.0  # times OURS, where distances hardly differ
MEMORY_TARGET = 1024.0  # MiB
TOP = 50
LIBRARIES = measured.NUMPY | {"scikit-learn": "scikit-learn", "faiss": "faiss-cpu"}


@dataclass
class Contestant:
    """Something that finds ranks, or only multiplies.

    Attributes:
        name: for the table.
        work: evaluates so many repeats; gives rank-1 of the last, or nothing.
        repeats: that it is timed with.
        seconds: for all repeats of the protocol, of each round.
        rank1: of the first repeat.
    """

    name: str
    work: Callable[[], float | None]
    repeats: int
    seconds: list[float] = field(default_factory=list)
    rank1: float | None = None

    def measure(self, protocol_repeats: int) -> None:
        """One round."""
        start = time.perf_counter()
        self.rank1 = self.work()
        taken = time.perf_counter() - start
        self.seconds.append(taken * protocol_repeats / self.repeats)


@dataclass(frozen=True)
class Data:
    """A set as large as the released Large split, with random features.

    Attributes:
        names: of the images.
        ids: their vehicles; 2 or more images each, unevenly.
        features: (N, D) of unit norm.
        split: the galleries.
    """

    names: list[str]
    ids: np.ndarray
    features: np.ndarray
    split: Split

    def repeat(self, number: int) -> tuple[np.ndarray, ...]:
        """Probes, gallery, and the gallery place of each probe's match."""
        gallery = np.array(self.split.gallery[number])
        gallery = gallery[np.argsort(self.ids[gallery])]
        probes = np.setdiff1d(np.arange(self.ids.size), gallery)
        match = np.searchsorted(self.ids[gallery], self.ids[probes])
        return self.features[probes], self.features[gallery], match


def _make_data(dimensions: int, repeats: int) -> Data:
    rng = np.random.default_rng(0)
    weights = rng.gamma(1.2, size=LARGE.vehicles)
    more = rng.choice(
        LARGE.vehicles, LARGE.images - 2 * LARGE.vehicles, p=weights / weights.sum()
    )
    ids = np.sort(np.concatenate([np.repeat(np.arange(LARGE.vehicles), 2), more]))
    features = rng.standard_normal((ids.size, dimensions), dtype=np.float32)
    # Some likeness, so that rank-1 is not 0 throughout.
    features += 0.4 * rng.standard_normal((LARGE.vehicles, dimensions))[ids].astype(
        np.float32
    )
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    names = [f"{i:07d}.jpg" for i in range(ids.size)]
    return Data(names, ids, features, reid.draw_split(names, ids, repeats=repeats))


def _ours(data: Data) -> float:
    result = reid.evaluate(data.features, data.names, data.ids, data.split)
    return float(result.cmc.per_repeat[0][0])


def _near(data: Data) -> list[Contestant]:
    """The same search where features hardly differ, or many do not at all."""
    normal, spot = data.features, np.arange(data.ids.size) % 2
    kinds = {
        "two tight clusters": (spot[:, None] + 1e-5 * normal).astype(np.float32),
        "0s and 1s": (normal > 0).astype(np.float32),
    }
    return [
        Contestant(
            f"{OURS}, {name}",
            partial(_ours, replace(data, features=features)),
            len(data.split.gallery),
        )
        for name, features in kinds.items()
    ]


def _bare(data: Data) -> Callable[[], None]:
    """The products of all repeats, into memory that is there."""
    probes, gallery, _ = data.repeat(0)
    out = np.empty((len(probes), len(gallery)), np.float32)
    np.matmul(probes, gallery.T, out=out)  # touches the memory

    def work() -> None:
        for _ in data.split.gallery:
            np.matmul(probes, gallery.T, out=out)

    return work


def _argsort(data: Data) -> Callable[[], float]:
    """What most evaluators do: all distances, sorted."""
    probes, gallery, match = data.repeat(0)

    def work() -> float:
        distances = (
            np.square(probes).sum(axis=1, keepdims=True)
            + np.square(gallery).sum(axis=1)
            - 2 * probes @ gallery.T
        )
        order = np.argsort(distances, axis=1)
        rank = np.argmax(order == match[:, None], axis=1)
        return float((rank == 0).mean())

    return work


def _scikit_learn(data: Data) -> Callable[[], float]:
    from sklearn.neighbors import NearestNeighbors

    probes, gallery, match = data.repeat(0)
    index = NearestNeighbors(n_neighbors=TOP, algorithm="brute").fit(gallery)

    def work() -> float:
        found = index.kneighbors(probes, return_distance=False)
        return float((found[:, 0] == match).mean())

    return work


def _faiss(data: Data) -> Callable[[], float]:
    import faiss

    probes, gallery, match = data.repeat(0)
    index = faiss.IndexFlatL2(gallery.shape[1])
    index.add(gallery)

    def work() -> float:
        _, found = index.search(probes, TOP)
        return float((found[:, 0] == match).mean())

    return work


def _peak_mib(work: Callable[[], object]) -> float | None:
    """Resident memory at most, beyond what was resident before; Linux only."""
    try:
        Path("/proc/self/clear_refs").write_text("5")  # forgets the earlier peak
    except OSError:
        return None
    before = _status_mib("VmRSS")
    work()
    return _status_mib("VmHWM") - before


def _status_mib(key: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(x.split()[1]) for x in lines if x.startswith(key)) / 1024


def _contestants(data: Data, near: bool) -> tuple[list[Contestant], list[str]]:
    """All of them, and who is missing."""
    repeats = len(data.split.gallery)
    found = [
        Contestant(BARE, _bare(data), repeats),
        Contestant(OURS, lambda: _ours(data), repeats),
        Contestant("all distances, argsort", _argsort(data), 1),
        *(_near(data) if near else ()),
    ]
    missing = []
    for name, make in (
        (f"scikit-learn, {TOP} nearest", _scikit_learn),
        (f"faiss, {TOP} nearest", _faiss),
    ):
        try:
            found.append(Contestant(name, make(data), 1))
        except ImportError as error:
            missing.append(f"{name}: not measured, {error}")
    return found, missing


def _show(contestants: list[Contestant], bare: Contestant, peak: float | None) -> None:
    table = Table(
        "", "seconds", "ratio", "of the rounds", "rank-1",
        box=box.SIMPLE_HEAD,
    )  # fmt: skip
    for c in contestants:
        ratios = measured.ratios(c.seconds, bare.seconds)
        table.add_row(
            c.name,
            f"{statistics.median(c.seconds):.2f}",
            *measured.spread(ratios, ".2f"),
            "" if c.rank1 is None else f"{c.rank1:.5f}",
        )
    cli.console.print(table)
    ours = next(c for c in contestants if c.name == OURS)
    ratio = statistics.median(measured.ratios(ours.seconds, bare.seconds))
    verdict = "met" if ratio <= TARGET else "missed"
    cli.console.print(f"target: at most {TARGET} times the bare sgemm: {verdict}")
    for c in contestants:
        if c.name.startswith(f"{OURS}, "):
            ratio = statistics.median(measured.ratios(c.seconds, ours.seconds))
            verdict = "met" if ratio <= NEAR_TARGET else "missed"
            cli.console.print(
                f"{c.name}: {ratio:.2f} times {OURS}; target {NEAR_TARGET}: {verdict}"
            )
    if peak is not None:
        verdict = "met" if peak <= MEMORY_TARGET else "missed"
        cli.console.print(
            f"memory beyond the features: {peak:,.0f} MiB at most; "
            f"target {MEMORY_TARGET:,.0f} MiB: {verdict}"
        )


def bench(
    dimensions: Annotated[int, Option(min=1, help="Of a feature.")] = 1024,
    repeats: Annotated[int, Option(min=1, help="Random galleries.")] = 10,
    rounds: Annotated[int, Option(min=1, help="All contestants once in each.")] = 5,
    near_ties: Annotated[
        bool, Option("--near-ties", help="Also features whose distances hardly differ.")
    ] = False,
    json: Annotated[
        Path | None, Option(help="Write all numbers to this file (replaced).")
    ] = None,
) -> None:
    """Time the evaluation of 17,377 probes x 2,400 gallery images, 10 repeats.

    Bare sgemm multiplies the probes by the gallery of each repeat and throws
    the products away. The other evaluators are timed on one repeat, and their
    time multiplied. Only ratios within a round mean something on a machine that
    others use.

    Example: python benchmarks/evaluation.py --rounds 9
    """
    machine = measured.machine(LIBRARIES)
    data = _make_data(dimensions, repeats)
    peak = _peak_mib(lambda: _ours(data))
    contestants, missing = _contestants(data, near_ties)
    bare = contestants[0]
    for number in cli.progress(range(rounds), "rounds", rounds):
        # A different one begins each round.
        first = number % len(contestants)
        for contestant in contestants[first:] + contestants[:first]:
            contestant.measure(repeats)
    cli.console.print(
        f"{machine}; {LARGE.probes:,} probes, {LARGE.vehicles:,} gallery images, "
        f"{dimensions:,} dimensions, {repeats} repeats; {rounds} rounds",
        soft_wrap=True,
    )
    _show(contestants, bare, peak)
    for line in missing:
        cli.console.print(line, markup=False)
    if json is not None:
        measured.write(
            json, SCHEMA, machine,
            ours=OURS,
            probes=LARGE.probes,
            gallery=LARGE.vehicles,
            dimensions=dimensions,
            repeats=repeats,
            peak_mib=peak,
            contestants=[
                {
                    "name": c.name,
                    "seconds": c.seconds,
                    "over_bare_sgemm": measured.ratios(c.seconds, bare.seconds),
                    "rank1": c.rank1,
                }
                for c in contestants
            ],
            targets={"over_bare_sgemm": TARGET, "peak_mib": MEMORY_TARGET},
            not_measured=missing,
        )  # fmt: skip


if __name__ == "__main__":
    cli.run(bench)
