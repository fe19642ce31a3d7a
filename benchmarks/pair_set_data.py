"""How fast PairSetData makes batches, beside what else could make them."""

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import cv2
import lmdb
import measured
import numpy as np
from rich import box
from rich.table import Table
from typer import Option

from pydrdl import cli
from pydrdl.datasets import Image
from pydrdl.gradcheck.case import MemoryNet
from pydrdl.lmdb.build import build_image_lmdb
from pydrdl.messages import Datum, caffe_pb2
from pydrdl.nets import layers
from pydrdl.parallel import Pool
from pydrdl.render.model import draw_model
from pydrdl.render.photo import photograph
from pydrdl.render.vehicle import draw_vehicle

SCHEMA = "drdl.bench_pair_set_data/2"
SIZE, CROP = 256, 224
MEAN = (104.0, 117.0, 123.0)
SETS, POSITIVES, NEGATIVES = 15, 5, 5  # the paper's batch
BATCH = SETS * (POSITIVES + NEGATIVES)
TRANSFORM = {"crop_size": CROP, "mirror": True, "mean_value": MEAN}
PREFETCH = 2
PER_VEHICLE, PER_MODEL = 8, 10
THREADS = (1, 2)
IMDECODE = "cv2.imdecode alone"
TORCH = "PyTorch DataLoader"
PYTHON = "DataLoader's work alone"
TORCH_MISSING = "not measured: torch is not installed"
LIBRARIES = measured.NUMPY | measured.CV2 | {"PyTorch": "torch"}


@dataclass
class Contestant:
    """Something that makes batches.

    Attributes:
        name: for the table.
        threads: that decode.
        make: makes so many batches of BATCH images.
        ahead: batches that lie ready after a pause; they are not timed.
        batches: to time in a round.
        rates: images a second, of each round.
    """

    name: str
    threads: int
    make: Callable[[int], object]
    ahead: int
    batches: int
    rates: list[float] = field(default_factory=list)

    def measure(self) -> None:
        """One round."""
        self.make(self.ahead)
        start = time.perf_counter()
        self.make(self.batches)
        seconds = (time.perf_counter() - start) / self.batches
        self.rates.append(BATCH / seconds)
        # Its workers now make batches ahead, not at the next one's expense.
        time.sleep(1.5 * self.ahead * seconds)


@dataclass(frozen=True)
class Ratio:
    """PairSetData's rate over another's, or its rate alone, in every round."""

    name: str
    values: tuple[float, ...]
    target: float

    @property
    def median(self) -> float:
        """Of the rounds."""
        return statistics.median(self.values)


def _draw(folder: Path, number: int) -> None:
    model, vehicle = draw_model(1, number // PER_MODEL), draw_vehicle(1, number)
    for image in range(PER_VEHICLE):
        pixels = photograph(model, vehicle, 1, number, image, SIZE)
        cv2.imwrite(str(folder / f"{number}_{image}.png"), pixels)


def _quality(files: Sequence[Path], wanted: float) -> int:
    """The JPEG quality whose mean size comes nearest to the one wanted."""
    images = [cv2.imread(str(file)) for file in files]

    def miss(quality: int) -> float:
        flags = [cv2.IMWRITE_JPEG_QUALITY, quality]
        sizes = [cv2.imencode(".jpg", image, flags)[1].size for image in images]
        return abs(statistics.mean(sizes) - wanted)

    return min(range(50, 100), key=miss)


def _build(folder: Path, images: int, kilobytes: float) -> tuple[Path, int]:
    """Draws vehicles and packs them; returns the LMDB and the JPEG quality."""
    pictures, source = folder / "pictures", folder / "lmdb"
    pictures.mkdir()
    vehicles = range(-(-images // PER_VEHICLE))
    with Pool(os.cpu_count() or 1) as pool:
        drawn = pool.map(partial(_draw, pictures), vehicles)
        for _ in cli.progress(drawn, "drawing", len(vehicles)):
            pass
    listed = [
        Image(f"{number}_{image}.png", number, -1)
        for number in vehicles
        for image in range(PER_VEHICLE)
    ]
    some = [pictures / image.path for image in listed[:: max(1, len(listed) // 40)]]
    quality = _quality(some, 1000 * kilobytes)
    build_image_lmdb(listed, pictures, source, size=None, jpeg_quality=quality)
    shutil.rmtree(pictures)
    return source, quality


def _jpegs(source: Path) -> list[np.ndarray]:
    with (
        lmdb.open(str(source), readonly=True, lock=False) as environment,
        environment.begin() as transaction,
    ):
        datums = [Datum.FromString(value) for _, value in transaction.cursor()]
    return [np.frombuffer(datum.data, np.uint8) for datum in datums]


def _net(kind: str, tops: Sequence[str], **param: Any) -> Callable[[int], None]:
    """A net of one layer."""
    message = caffe_pb2.NetParameter(name=kind)
    message.state.phase = caffe_pb2.TRAIN
    layers.add(message, kind, "images", [], tops, transform_param=TRANSFORM, **param)
    net = MemoryNet(message, "f32")

    def make(batches: int) -> None:
        for _ in range(batches):
            net.forward()

    return make


def _pair_set_data(source: Path, threads: int, cache: str) -> Callable[[int], None]:
    param = {
        "source": str(source),
        "sets": SETS,
        "positives": POSITIVES,
        "negatives": NEGATIVES,
        "cache": cache,
        "threads": threads,
        "prefetch": PREFETCH,
    }
    still = [{"lr_mult": 0.0, "decay_mult": 0.0}]
    tops = ("data", "vehicle_id", "model_id")
    return _net("PairSetData", tops, param=still, pair_set_data_param=param)


def _data(source: Path) -> Callable[[int], None]:
    param = {
        "source": str(source),
        "batch_size": BATCH,
        "backend": "LMDB",
        "prefetch": PREFETCH,
    }
    return _net("Data", ("data", "label"), data_param=param)


def _imdecode(jpegs: Sequence[np.ndarray], threads: int) -> Callable[[int], None]:
    """Nothing but the decoding; cv2 lets other threads run meanwhile."""
    pool = ThreadPoolExecutor(threads)

    def decode(numbers: range) -> None:
        for number in numbers:
            cv2.imdecode(jpegs[number % len(jpegs)], cv2.IMREAD_COLOR)

    def make(batches: int) -> None:
        shares = (range(t, batches * BATCH, threads) for t in range(threads))
        list(pool.map(decode, shares))

    return make


class _PythonImages:
    """What a PyTorch user would write: one image of the LMDB by its number."""

    def __init__(self, source: Path) -> None:
        self.source = source
        with (
            lmdb.open(str(source), readonly=True, lock=False) as environment,
            environment.begin() as transaction,
        ):
            self.keys = list(transaction.cursor().iternext(values=False))
        self.transaction: Any = None

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, number: int) -> tuple[np.ndarray, int]:
        if self.transaction is None:  # in the worker
            cv2.setNumThreads(0)
            environment = lmdb.open(str(self.source), readonly=True, lock=False)
            self.transaction = environment.begin()
            self.random = np.random.default_rng()
        datum = Datum.FromString(self.transaction.get(self.keys[number]))
        jpeg = np.frombuffer(datum.data, np.uint8)
        pixels = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
        top, left = self.random.integers(0, SIZE - CROP + 1, 2)
        pixels = pixels[top : top + CROP, left : left + CROP]
        if self.random.random() < 0.5:
            pixels = pixels[:, ::-1]
        values = pixels.astype(np.float32) - np.array(MEAN, np.float32)
        return np.ascontiguousarray(values.transpose(2, 0, 1)), datum.label


_worker: list[_PythonImages] = []


def _open_worker(source: Path) -> None:
    _worker.append(_PythonImages(source))


def _stack_batch(seed: int) -> None:
    random = np.random.default_rng(seed)
    (images,) = _worker
    numbers = random.integers(0, len(images), BATCH)
    np.stack([images[int(number)][0] for number in numbers])


def _python(source: Path, processes: int) -> Callable[[int], object]:
    """A DataLoader's work without handing the batches over: its upper bound."""
    pool = Pool(processes, partial(_open_worker, source))
    return lambda batches: list(pool.map(_stack_batch, range(batches)))


def _torch(source: Path, threads: int) -> Callable[[int], object]:
    from torch.utils.data import DataLoader, RandomSampler

    images: Any = _PythonImages(source)
    endless = RandomSampler(images, replacement=True, num_samples=10**9)
    loader = DataLoader(images, BATCH, sampler=endless, num_workers=threads)
    batches = iter(loader)
    return lambda count: [next(batches) for _ in range(count)]


def _contestants(source: Path, batches: int) -> tuple[list[Contestant], str]:
    """All of them, and why PyTorch's is not there if it is not."""
    jpegs = _jpegs(source)
    found: list[Contestant] = []
    why = ""
    try:
        for threads in THREADS:  # forks, so before there are threads
            make = _torch(source, threads)
            # Each worker has two batches ready.
            ahead = 2 * threads + 1
            name = TORCH
            found.append(Contestant(name, threads, make, ahead, batches))
    except ImportError:
        why = TORCH_MISSING
    most = max(THREADS)
    found.append(Contestant(PYTHON, most, _python(source, most), most, batches))
    ahead = PREFETCH + 2
    for threads in THREADS:
        layer = _pair_set_data(source, threads, "NONE")
        found.append(Contestant("PairSetData", threads, layer, ahead, batches))
        bare = _imdecode(jpegs, threads)
        found.append(Contestant(IMDECODE, threads, bare, 0, batches))
        cached = _pair_set_data(source, threads, "DECODED")
        found.append(
            Contestant("PairSetData, DECODED", threads, cached, ahead, 6 * batches)
        )
    found.append(Contestant("Caffe's Data", 1, _data(source), ahead, batches))
    return found, why


def _ratios(contestants: Sequence[Contestant]) -> Iterator[Ratio]:
    rates = {(c.name, c.threads): c.rates for c in contestants}

    def against(threads: int, name: str, others: int, target: float) -> Ratio:
        own, other = rates["PairSetData", threads], rates[name, others]
        values = tuple(a / b for a, b in zip(own, other, strict=True))
        plural = "s" if threads > 1 else ""
        return Ratio(f"{threads} thread{plural} over {name}", values, target)

    for threads in THREADS:
        yield against(threads, IMDECODE, threads, 0.85)
    yield against(2, "Caffe's Data", 1, 2.2)
    yield against(2, PYTHON, 2, 2.5)
    if (TORCH, 2) in rates:
        yield against(2, TORCH, 2, 2.5)
    cached = rates["PairSetData, DECODED", 1]
    yield Ratio("DECODED, images/s of 1 thread", tuple(cached), 5000)


def _show(contestants: Sequence[Contestant], ratios: Sequence[Ratio]) -> None:
    table = Table("", "threads", "images/s", "of the rounds", box=box.SIMPLE_HEAD)
    for c in sorted(contestants, key=lambda c: (c.name, c.threads)):
        table.add_row(c.name, str(c.threads), *measured.spread(c.rates, ",.0f"))
    cli.console.print(table)
    table = Table(
        "PairSetData", "median ratio", "of the rounds", "target", box=box.SIMPLE_HEAD
    )
    for r in ratios:
        digits = ".2f" if r.target < 100 else ",.0f"
        verdict = "met" if r.median >= r.target else "missed"
        wanted = f"{r.target:{digits}} {verdict}"
        table.add_row(r.name, *measured.spread(r.values, digits), wanted)
    cli.console.print(table)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bench_pair_set_data_") as folder:
        yield Path(folder)


def bench(
    images: Annotated[int, Option(min=200, help="In the LMDB.")] = 1200,
    kilobytes: Annotated[float, Option(help="Mean size of a JPEG to aim at.")] = 17,
    batches: Annotated[int, Option(min=1, help="Timed in a round.")] = 8,
    rounds: Annotated[int, Option(min=1, help="All contestants once in each.")] = 7,
    json: Annotated[
        Path | None, Option(help="Write all numbers to this file (replaced).")
    ] = None,
) -> None:
    """Count images a second of PairSetData and of others, in turns.

    Every contestant reads the same JPEGs of 256 x 256 pixels; all but the bare
    decoder cut out 224 x 224, mirror and subtract the mean, in batches of 150.
    What a pause let it make ahead is thrown away before the clock starts. Only
    ratios within a round mean something on a machine that others use.

    Example: python benchmarks/pair_set_data.py --rounds 9
    """
    machine = measured.machine(LIBRARIES)
    cv2.setNumThreads(1)
    with _folder() as folder:
        source, quality = _build(folder, images, kilobytes)
        size = statistics.mean(jpeg.size for jpeg in _jpegs(source))
        contestants, no_torch = _contestants(source, batches)
        for number in cli.progress(range(rounds), "rounds", rounds):
            # A different one begins each round.
            first = number % len(contestants)
            for contestant in contestants[first:] + contestants[:first]:
                contestant.measure()
    ratios = list(_ratios(contestants))
    cli.console.print(
        f"{machine}; {images:,} JPEGs of {SIZE} x {SIZE}, quality {quality}, "
        f"{size / 1000:.1f} kB in the mean; {rounds} rounds",
        soft_wrap=True,
    )
    _show(contestants, ratios)
    if no_torch:
        cli.console.print(f"{TORCH}: {no_torch}", markup=False)
    if json is not None:
        measured.write(
            json,
            SCHEMA,
            machine,
            opencv_in_libcaffe=measured.loaded_version("opencv_core"),
            images=images,
            jpeg_quality=quality,
            mean_bytes=size,
            rates=[
                {"name": c.name, "threads": c.threads, "images_per_s": c.rates}
                for c in contestants
            ],
            ratios=[asdict(ratio) for ratio in ratios],
            not_measured={TORCH: no_torch} if no_torch else {},
        )


if __name__ == "__main__":
    cli.run(bench)
