"""How fast image LMDBs are built, beside OpenCV alone, and in what memory."""

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import cv2
import measured
import numpy as np
from rich import box
from rich.table import Table
from typer import Option

from pydrdl import cli
from pydrdl.datasets import Image, images_of_split, open_dataset
from pydrdl.lmdb.build import build_image_lmdb
from pydrdl.parallel import Pool

SCHEMA = "drdl.bench_build_lmdb/2"
SIZE, QUALITY = (256, 256), 95
PER_VEHICLE = 8
TARGET = 0.8
LONG = 221_767  # images of a list as long as VehicleID's
FLAGS = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
JPEG, RAW = "builder, JPEG", "builder, raw"
ENCODED, DECODED = "imread + resize + imencode", "imread + resize"


@dataclass(frozen=True)
class Ratio:
    """The builder's images a second over OpenCV's, in every round.

    Attributes:
        ours: which builder.
        bare: which calls of OpenCV.
        target: the least median wanted; None: for information.
    """

    ours: str
    bare: str
    target: float | None

    def values(self, seconds: dict[str, list[float]]) -> list[float]:
        """In each round."""
        pairs = zip(seconds[self.ours], seconds[self.bare], strict=True)
        return [bare / ours for ours, bare in pairs]


RATIOS = (
    Ratio(JPEG, ENCODED, TARGET),
    Ratio(RAW, ENCODED, TARGET),
    Ratio(RAW, DECODED, None),
)


@dataclass(frozen=True)
class Memory:
    """What a build in a process of its own took, in bytes.

    Attributes:
        images: on the list.
        what: how they are stored.
        before: with all modules imported.
        listed: with the list.
        peak: at most, until the LMDB was whole.
    """

    images: int
    what: str
    before: int
    listed: int
    peak: int


def _photographs(folder: Path, count: int) -> list[Image]:
    """Writes JPEGs of about 300 to 500 pixels a side, soft with some grain."""
    images = []
    for number in cli.progress(range(count), "images to read", count):
        random = np.random.default_rng(number)
        height, width = (int(side) for side in random.integers(300, 500, 2))
        coarse = random.integers(0, 256, (height // 16, width // 16, 3), np.uint8)
        pixels = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        grain = random.integers(0, 16, pixels.shape, np.uint8)
        path = f"{number}.jpg"
        cv2.imwrite(str(folder / path), cv2.add(pixels, grain))
        images.append(Image(path, number // PER_VEHICLE))
    return images


def _bare(images: Sequence[Image], root: Path, threads: int, *, encode: bool) -> None:
    """The calls of OpenCV that no builder can do without, and nothing else."""

    def work(first: int) -> None:
        for image in images[first::threads]:
            pixels = cv2.imread(str(root / image.path))
            pixels = cv2.resize(pixels, SIZE, interpolation=cv2.INTER_AREA)
            if encode:
                cv2.imencode(".jpg", pixels, FLAGS)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(threads)))


def _measure(
    images: Sequence[Image], root: Path, folder: Path, threads: int, rounds: int
) -> dict[str, list[float]]:
    """Seconds of every contestant in every round."""
    output = folder / "lmdb"

    def build(quality: int | None) -> None:
        build_image_lmdb(
            images, root, output, size=SIZE, jpeg_quality=quality, workers=threads
        )

    contestants: list[tuple[str, Callable[[], None]]] = [
        (JPEG, lambda: build(QUALITY)),
        (ENCODED, lambda: _bare(images, root, threads, encode=True)),
        (RAW, lambda: build(None)),
        (DECODED, lambda: _bare(images, root, threads, encode=False)),
    ]
    cv2.setNumThreads(0)
    seconds: dict[str, list[float]] = {name: [] for name, _ in contestants}
    for number in cli.progress(range(rounds), "rounds", rounds):
        first = number % len(contestants)  # a different one begins each round
        for name, work in contestants[first:] + contestants[:first]:
            os.sync()  # what others left to write is not this one's
            start = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - start)
            shutil.rmtree(output, ignore_errors=True)
    return seconds


def _status(key: str) -> int:
    """A figure of this process's memory, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith(f"{key}:")]
    return 1024 * int(line.split()[1])


def _memory(
    root: Path, names: Sequence[str], output: Path, count: int, tiny: bool
) -> Memory:
    """In a new process: builds from a list that names the same files in turns."""
    before = _status("VmRSS")
    # "./": strings of their own, as those of a list that was read.
    images = [
        Image("./" + names[k % len(names)], k // PER_VEHICLE) for k in range(count)
    ]
    listed = _status("VmRSS")
    size, quality = ((32, 32), None) if tiny else (SIZE, QUALITY)
    build_image_lmdb(images, root, output, size=size, jpeg_quality=quality)
    what = "32 x 32, raw" if tiny else "256 x 256, JPEG"
    return Memory(count, what, before, listed, _status("VmHWM"))


def _memories(
    images: Sequence[Image], root: Path, folder: Path, count: int
) -> list[Memory]:
    tiny = folder / "tiny"
    tiny.mkdir()
    cv2.imwrite(str(tiny / "0.png"), np.full((8, 8, 3), 90, np.uint8))
    paths = [image.path for image in images]
    jobs = [
        (root, paths, count, False),
        (root, paths, 4 * count, False),
        (tiny, ["0.png"], LONG, True),
    ]
    found = []
    for place, names, number, small in cli.progress(jobs, "memory", len(jobs)):
        output = folder / "lmdb"
        with Pool(1) as pool:
            job = pool.submit(_memory, place, names, output, number, small)
            found.append(job.result())
        shutil.rmtree(output)
    return found


def _show(
    seconds: dict[str, list[float]], count: int, memories: Sequence[Memory]
) -> None:
    table = Table("", "images/s", "of the rounds", box=box.SIMPLE_HEAD)
    for name, values in seconds.items():
        rates = [count / value for value in values]
        table.add_row(name, *measured.spread(rates, ",.0f"))
    cli.console.print(table)
    table = Table("", "median ratio", "of the rounds", "target", box=box.SIMPLE_HEAD)
    for ratio in RATIOS:
        values = ratio.values(seconds)
        median = statistics.median(values)
        verdict = ""
        if ratio.target is not None:
            verdict = f"{ratio.target} {'met' if median >= ratio.target else 'missed'}"
        name = f"{ratio.ours} over {ratio.bare}"
        table.add_row(name, *measured.spread(values, ".2f"), verdict)
    cli.console.print(table)
    table = Table(
        "images", "stored", "list, B/image", "peak, MB", "above list, MB",
        box=box.SIMPLE_HEAD,
    )  # fmt: skip
    for memory in memories:
        table.add_row(
            f"{memory.images:,}",
            memory.what,
            f"{(memory.listed - memory.before) / memory.images:,.0f}",
            f"{memory.peak / 1e6:,.0f}",
            f"{(memory.peak - memory.listed) / 1e6:,.0f}",
        )
    cli.console.print(table)


def bench(
    images: Annotated[int, Option(min=100, help="To make and read.")] = 1500,
    dataset: Annotated[
        Path | None, Option(help="Read the images of this data set instead.")
    ] = None,
    split: Annotated[str | None, Option(help="Of that data set.")] = None,
    threads: Annotated[
        int | None, Option(min=1, help="Of each; one a processor by default.")
    ] = None,
    rounds: Annotated[int, Option(min=1, help="All contestants once in each.")] = 7,
    json: Annotated[
        Path | None, Option(help="Write all numbers to this file (replaced).")
    ] = None,
) -> None:
    """Count images a second of the LMDB builder and of OpenCV alone, in turns.

    The builder's seconds hold all that the command does after it has read the
    lists: looking for the files, LMDB's writes, synced to disk, the index and
    the checksums. Memory is of builds in processes of their own: of as many
    images, of four times as many, and of a list as long as VehicleID's.

    Example: python benchmarks/build_lmdb.py --rounds 9
    """
    if (dataset is None) != (split is None):
        raise cli.wrong_use("give both or neither", "--dataset", "--split")
    machine = measured.machine(measured.NUMPY | measured.CV2)
    count = threads or machine.cores
    with tempfile.TemporaryDirectory(prefix="bench_build_lmdb_") as name:
        folder = Path(name)
        if dataset is not None and split is not None:
            data = open_dataset(dataset)
            root, listed = data.root, list(images_of_split(data, split))[:images]
        else:
            root = folder / "images"
            root.mkdir()
            listed = _photographs(root, images)
        size = statistics.mean((root / i.path).stat().st_size for i in listed)
        seconds = _measure(listed, root, folder, count, rounds)
        memories = _memories(listed, root, folder, len(listed))
    cli.console.print(
        f"{machine}; {len(listed):,} images of {size / 1000:.0f} kB in the mean to "
        f"256 x 256, JPEG quality {QUALITY}; {count} threads, {rounds} rounds",
        soft_wrap=True,
    )
    _show(seconds, len(listed), memories)
    if json is not None:
        measured.write(
            json, SCHEMA, machine,
            images=len(listed),
            mean_bytes=size,
            threads=count,
            seconds=seconds,
            ratios=[
                {**asdict(ratio), "values": ratio.values(seconds)} for ratio in RATIOS
            ],
            memory=[asdict(memory) for memory in memories],
        )  # fmt: skip


if __name__ == "__main__":
    cli.run(bench)
