"""Index and query of a large gallery, beside faiss and comparing with every row.

Features are drawn: vehicle models, vehicles of 8 images each, unit vectors of 160
latent dimensions. Queries are ninth images of vehicles that are there. Every
contestant is a process of its own, whose CPU seconds and memory are told: on a busy
machine they say more than the clock. Queries are asked in rounds, everyone's in turn,
so that what disturbs one disturbs all.
"""

import json as json_module
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Annotated

import measured
import numpy as np
from rich.table import Table
from typer import Option

from pydrdl import cli
from pydrdl.arrays import Float32, Int
from pydrdl.commands import options
from pydrdl.datasets.dataset import Image
from pydrdl.gallery import lance
from pydrdl.gallery.folder import Origin, make_gallery, open_gallery
from pydrdl.gallery.rows import GalleryRow, Wanted

SCHEMA = "drdl.bench_gallery/2"
CASES = {"200k": (200_000, 1024), "1M": (1_000_000, 128), "20k": (20_000, 128)}
IMAGES, LATENT, NEAREST = 8, 160, 50
QUERIES = 200
FEW_QUERIES = 20  # of comparing with every row, which is the same for all
AT_ONCE = 10_000
ORIGIN = Origin(
    net="drawn", net_sha256="", weights="drawn", weights_sha256="0", layer="drawn",
    preprocess="{}",
)  # fmt: skip
OURS, FAISS, EXACT = "drdl gallery", "faiss IVF, SQ8", "every row, sgemm"


@dataclass
class Measure:
    """What was measured of a contestant; times of a query once for each round."""

    name: str
    rows: int
    width: int
    add_cpu: float = 0.0  # CPU seconds until all rows are in
    add_seconds: float = 0.0  # by the clock
    index_cpu: float = 0.0
    disk: int = 0  # bytes, when older versions are gone
    disk_at_most: int = 0  # with the versions of the minutes before
    memory: int = 0  # bytes of the process that searches, at most
    query_cpu: list[float] = field(default_factory=list)  # mean, in seconds
    query_median: list[float] = field(default_factory=list)  # by the clock
    recall_1: float = 0.0  # of the nearest row
    recall_50: float = 0.0
    # With two cameras of 20 and half of the time.
    filtered_cpu: list[float] = field(default_factory=list)


def drawn(folder: Path, rows: int, width: int) -> None:
    """Writes x.npy, the gallery, q.npy, the queries, and truth.npy, their nearest."""
    rng = np.random.default_rng(7)
    latent = min(LATENT, width)
    scale = (1 / np.sqrt(1 + np.arange(latent) / 12)).astype(np.float32)
    basis = np.linalg.qr(rng.standard_normal((width, latent)))[0].astype(np.float32)
    vehicles = rows // IMAGES
    models = rng.standard_normal((max(250, vehicles // 60), latent)).astype(np.float32)
    of_model = rng.integers(0, len(models), vehicles)
    asked = np.sort(rng.choice(vehicles, QUERIES, replace=False))
    x = np.lib.format.open_memmap(folder / "x.npy", "w+", np.float32, (rows, width))
    queries = []
    for start in range(0, vehicles, 4096):
        own = of_model[start : start + 4096]
        noise = rng.standard_normal((len(own), IMAGES + 2, latent), dtype=np.float32)
        vehicle = models[own] + 0.75 * noise[:, 0]
        images = (vehicle[:, None] + 0.7 * noise[:, 1:]) * scale
        points = images.reshape(-1, latent) @ basis.T
        points += 0.01 * rng.standard_normal(points.shape, dtype=np.float32)
        points /= np.linalg.norm(points, axis=1, keepdims=True)
        parts = points.reshape(len(own), IMAGES + 1, width)
        x[start * IMAGES : (start + len(own)) * IMAGES] = parts[:, :IMAGES].reshape(
            -1, width
        )
        here = asked[(asked >= start) & (asked < start + len(own))] - start
        queries.append(parts[here, IMAGES])
    q = np.concatenate(queries)
    np.save(folder / "q.npy", q)
    best = [np.empty((QUERIES, 0), np.float32), np.empty((QUERIES, 0), np.int64)]
    for start in range(0, rows, 50_000):
        alike = q @ np.asarray(x[start : start + 50_000]).T
        near = np.argpartition(-alike, NEAREST, axis=1)[:, :NEAREST]
        joined = np.hstack([best[0], np.take_along_axis(alike, near, 1)])
        places = np.hstack([best[1], near + start])
        order = np.argsort(-joined, axis=1)[:, :NEAREST]
        best = [np.take_along_axis(joined, order, 1),
                np.take_along_axis(places, order, 1)]  # fmt: skip
    np.save(folder / "truth.npy", best[1])


def cpu() -> float:
    """CPU seconds of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def resident() -> int:
    """Bytes of this process that are in memory, files that it maps left out."""
    status = Path("/proc/self/status").read_text()
    line = next(x for x in status.splitlines() if x.startswith("RssAnon"))
    return int(line.split()[1]) * 1024


def ask(
    found: Measure, search: Callable[[Float32], Int], folder: Path, queries: int
) -> None:
    """Searches with so many queries, and fills in what that took and found."""
    asked = np.load(folder / "q.npy")[:queries]
    truth = np.load(folder / "truth.npy")[:queries]
    # A server's later queries are measured, not its first, which read the index.
    for query in asked:
        search(query)
    clocks, right_1, right_50 = [], 0, 0
    before = cpu()
    for query, near in zip(asked, truth, strict=True):
        start = time.perf_counter()
        places = search(query)
        clocks.append(time.perf_counter() - start)
        right_1 += int(places[0] == near[0])
        right_50 += len({*places[:NEAREST].tolist()} & {*near.tolist()})
    found.query_cpu.append((cpu() - before) / queries)
    found.query_median.append(float(np.median(clocks)))
    found.memory = max(found.memory, resident())
    found.recall_1 = right_1 / queries
    found.recall_50 = right_50 / queries / NEAREST


def bytes_in(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def row(number: int) -> GalleryRow:
    """One of 20 cameras, one a second."""
    image = Image(str(number), number // IMAGES, -1, number % 20)
    return GalleryRow("drawn", image, 1.7e9 + number)


def fill_ours(folder: Path, found: Measure) -> None:
    """Adds all rows and makes the index; in a process that ends."""
    x = np.load(folder / "x.npy", mmap_mode="r")
    gallery = make_gallery(folder / "gallery", ORIGIN, found.width)
    before, start = cpu(), time.perf_counter()
    for first in range(0, found.rows, AT_ONCE):
        part = np.asarray(x[first : first + AT_ONCE])
        gallery.rows.add([row(first + k) for k in range(len(part))], part)
    found.add_cpu, found.add_seconds = cpu() - before, time.perf_counter() - start
    before = cpu()
    gallery.rows.bring_up_to_date()
    found.index_cpu = cpu() - before
    found.disk_at_most = bytes_in(folder / "gallery")
    lance.KEPT = timedelta(microseconds=1)
    gallery.rows.bring_up_to_date()
    found.disk = bytes_in(folder / "gallery")


def ask_ours(folder: Path, found: Measure) -> None:
    """Searches the gallery that fill_ours made."""
    rows = open_gallery(folder / "gallery").rows

    def search(query: Float32, wanted: Wanted | None = None) -> Int:
        hits = rows.search(query, NEAREST, wanted or Wanted())
        return np.array([int(hit.row.image.path) for hit in hits])

    ask(found, search, folder, QUERIES)
    wanted = Wanted(cameras=(3, 4), since=1.7e9 + found.rows / 2)
    before = cpu()
    for query in np.load(folder / "q.npy")[:50]:
        assert len(search(query, wanted)) == NEAREST
    found.filtered_cpu.append((cpu() - before) / 50)


def fill_faiss(folder: Path, found: Measure) -> None:
    """faiss: as many cells, 8-bit numbers."""
    import faiss

    x = np.load(folder / "x.npy", mmap_mode="r")
    cells = int(found.rows**0.5)
    index = faiss.index_factory(found.width, f"IVF{cells},SQ8")
    before = cpu()
    index.train(np.asarray(x[:: max(1, found.rows // (100 * cells))]))
    found.index_cpu = cpu() - before
    before, start = cpu(), time.perf_counter()
    for first in range(0, found.rows, AT_ONCE):
        index.add(np.asarray(x[first : first + AT_ONCE]))
    found.add_cpu, found.add_seconds = cpu() - before, time.perf_counter() - start
    faiss.write_index(index, str(folder / "faiss"))
    found.disk = found.disk_at_most = (folder / "faiss").stat().st_size


def ask_faiss(folder: Path, found: Measure) -> None:
    """Searches 16 cells of that."""
    import faiss

    index = faiss.read_index(str(folder / "faiss"))
    index.nprobe = 16
    ask(
        found,
        lambda query: index.search(query[None], NEAREST)[1][0],
        folder,
        QUERIES,
    )


def every_row(folder: Path, found: Measure) -> None:
    """NumPy: one product with all rows, which lie in memory."""
    x = np.load(folder / "x.npy")
    found.disk = found.disk_at_most = (folder / "x.npy").stat().st_size

    def search(query: Float32) -> Int:
        alike = x @ query
        near = np.argpartition(-alike, NEAREST)[:NEAREST]
        return near[np.argsort(-alike[near])]

    ask(found, search, folder, FEW_QUERIES)


PARTS = {
    "fill": fill_ours, "ask": ask_ours, "fill faiss": fill_faiss,
    "ask faiss": ask_faiss, "every": every_row,
}  # fmt: skip


def part(name: str, folder: Path, found: Measure) -> Measure:
    """Runs a part in a process of its own."""
    tell(f"{found.name}: {name}")
    code = (
        "import sys, json; sys.path.insert(0, sys.argv[1]); import gallery; "
        "gallery.run_part(*sys.argv[2:])"
    )
    words = [str(Path(__file__).parent), name, str(folder)]
    said = json_module.dumps(asdict(found))
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, *words, said],
        stdout=subprocess.PIPE, check=True, text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    return Measure(**json_module.loads(done.stdout.splitlines()[-1]))


def run_part(name: str, folder: str, said: str) -> None:
    """The other process: runs a part, and writes what was measured to stdout."""
    found = Measure(**json_module.loads(said))
    PARTS[name](Path(folder), found)
    print(json_module.dumps(asdict(found)))


def bench(
    *,
    case: Annotated[
        list[str] | None, Option(help=f"Of {', '.join(CASES)}; may be repeated.")
    ] = None,
    rounds: Annotated[int, Option(min=1, help="In each of which all are asked.")] = 3,
    json: Annotated[
        Path | None, options.json_file("all numbers", "drdl.bench_gallery")
    ] = None,
) -> None:
    """Measure index and query of large galleries.

    Example: python benchmarks/gallery.py --case 200k --case 1M
    """
    names = {"LanceDB": "lancedb", "faiss": "faiss-cpu", **measured.NUMPY}
    machine = measured.machine(names)
    results: list[Measure] = []
    for name in case or ["200k", "1M"]:
        rows, width = CASES[name]
        with tempfile.TemporaryDirectory(prefix="bench_gallery_") as temporary:
            folder = Path(temporary)
            tell(f"{name}: drawing {rows:,} x {width:,}")
            drawn(folder, rows, width)
            contestants = {"ask": part("fill", folder, Measure(OURS, rows, width))}
            if "faiss" in machine.libraries:
                made = part("fill faiss", folder, Measure(FAISS, rows, width))
                contestants["ask faiss"] = made
            contestants["every"] = Measure(EXACT, rows, width)
            for _ in range(rounds):
                for what, found in contestants.items():
                    contestants[what] = part(what, folder, found)
            results += contestants.values()
    cli.console.lines(str(machine))
    table = Table("", "rows", "add, CPU s", "index, CPU s", "disk, MB", "memory, MB",
                  "query, CPU ms", "recall@1", "recall@50", "filtered, ms")  # fmt: skip
    for m in results:
        filtered = m.filtered_cpu and f"{1e3 * median(m.filtered_cpu):.1f}"
        table.add_row(
            m.name, f"{m.rows:,} x {m.width:,}", f"{m.add_cpu:.1f}",
            f"{m.index_cpu:.1f}", f"{m.disk / 1e6:,.0f}", f"{m.memory / 1e6:,.0f}",
            f"{1e3 * median(m.query_cpu):.1f}", f"{m.recall_1:.3f}",
            f"{m.recall_50:.3f}", filtered or "",
        )  # fmt: skip
    cli.console.print(table)
    if json is not None:
        results_of = [asdict(result) for result in results]
        measured.write(
            json, SCHEMA, machine, rounds=rounds, ours=OURS, every=EXACT,
            results=results_of,
        )  # fmt: skip


def tell(text: str) -> None:
    """Says what is being done, which takes minutes."""
    cli.stderr.lines(text)


if __name__ == "__main__":
    cli.run(bench)
