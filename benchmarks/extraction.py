"""How long the extraction of features takes, beside the net's forward pass alone."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import cv2
import measured
import numpy as np
from caffe_timing import ROOT, caffe_time, feed, forward_seconds
from rich import box
from rich.table import Table
from typer import Option

from pydrdl import cli
from pydrdl.arrays import Float32
from pydrdl.datasets import Image, images_of_split, open_dataset
from pydrdl.errors import InputError
from pydrdl.features import extract
from pydrdl.features.deploy_net import INPUT, last_top, open_net, read_preprocess

SCHEMA = "drdl.bench_extraction/2"
TARGET = 1.10
TIME, BARE = "caffe time, forward", "net.forward()"
OURS, DECODE = "extraction", "decoding alone"
BUSY = "net.forward(), other cores busy"
Pixels = Iterable[Float32]
SEED = 1  # of the weights: values do not change what a pass takes


@dataclass(frozen=True)
class Case:
    """A net and the images that it is timed with.

    Attributes:
        name: of the case.
        net: its deploy.prototxt.
        images: how many.
        sides: height and width of the drawn ones, least and most, in pixels.
    """

    name: str
    net: Path
    images: int
    sides: tuple[int, int]


CASES = {
    case.name: case
    for case in (
        Case("demo", ROOT / "prototxt/demo/mixed_difference", 1024, (128, 129)),
        Case("paper", ROOT / "prototxt/mixed_difference", 256, (300, 500)),
    )
}


@dataclass
class Result:
    """What was measured of a case.

    Attributes:
        case: which.
        images: how many.
        bytes: mean size of their files.
        seconds: of every contestant, of each round.
        opening: seconds until the first image is asked for, of each round.
        waited: seconds of the extraction that no image was there.
    """

    case: str
    images: int
    bytes: float
    seconds: dict[str, list[float]]
    opening: list[float] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)

    def ratios(self, of: str, to: str) -> list[float]:
        """In each round."""
        return measured.ratios(self.seconds[of], self.seconds[to])


def _draw(folder: Path, case: Case) -> list[Image]:
    """Writes JPEGs, soft with some grain."""
    images = []
    for number in cli.progress(range(case.images), "images to read", case.images):
        random = np.random.default_rng(number)
        height, width = (int(side) for side in random.integers(*case.sides, 2))
        coarse = (height // 16 + 1, width // 16 + 1, 3)
        pixels = random.integers(0, 256, coarse, np.uint8)
        pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_CUBIC)
        grain = random.integers(0, 16, pixels.shape, np.uint8)
        path = f"{number}.jpg"
        cv2.imwrite(str(folder / path), cv2.add(pixels, grain))
        images.append(Image(path, number))
    return images


def _timed_net(net: Path, inputs: Float32, folder: Path) -> Path:
    """The deploy net with a batch of true images as its input."""
    from google.protobuf import text_format

    from pydrdl.pycaffe import read_net

    message = read_net(net)
    (data,) = [layer for layer in message.layer if INPUT in layer.top]
    feed(data, {INPUT: inputs}, folder)
    output = folder / "timed.prototxt"
    output.write_text(text_format.MessageToString(message))
    return output


def _caffe_time(net: Path, passes: int) -> float:
    """Seconds of so many forward passes, as `caffe time` has them."""
    return passes * forward_seconds(caffe_time(net, passes, "TEST"))


def _extraction(
    images: Sequence[Image], root: Path, net: Path, batch: int, folder: Path
) -> tuple[float, float, float]:
    """What tools/extract_features.py does.

    Returns:
        Seconds to open, of all the rest, and of these those that it waited for
        images, which it does not do where they are decoded ahead of the net.
    """
    opened = waited = 0.0

    def watched(items: Pixels, *_: object) -> Pixels:
        nonlocal opened, waited
        opened = since = time.perf_counter()
        for item in items:
            waited += time.perf_counter() - since
            yield item
            since = time.perf_counter()

    output = folder / "features.h5"
    start = time.perf_counter()
    extractor = extract.open_extractor(net, untrained=SEED)
    extract.extract_to(output, images, root, extractor, batch=batch, progress=watched)
    end = time.perf_counter()
    output.unlink()
    return opened - start, end - opened, waited


def _clock(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@contextmanager
def _others_busy() -> Iterator[None]:
    """Within its block all cores but one are in use, as they are where images are."""
    words = [sys.executable, "-P", "-c", "while True: pass"]
    spinning = [subprocess.Popen(words) for _ in range((os.cpu_count() or 1) - 1)]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()


def _measure(
    case: Case, images: Sequence[Image], root: Path, batch: int, rounds: int
) -> Result:
    """Every contestant once a round, in turns."""
    path = case.net / "deploy.prototxt"
    net = open_net(path, untrained=SEED)
    preprocess = read_preprocess(path, net.blobs[INPUT].shape[2])
    inputs = np.stack(list(extract.decoded(images[:batch], root, preprocess, batch)))
    extract.forward(net, last_top(net), inputs)  # takes its memory
    passes = len(images) // batch
    size = statistics.mean((root / image.path).stat().st_size for image in images)
    result = Result(case.name, len(images), size, {})
    with tempfile.TemporaryDirectory(prefix="bench_extraction_") as name:
        folder = Path(name)
        timed = _timed_net(path, inputs, folder)

        def ours() -> float:
            opening, seconds, waited = _extraction(images, root, path, batch, folder)
            result.opening.append(opening)
            result.waited.append(waited)
            return seconds

        def bare() -> float:
            return _clock(lambda: [net.forward() for _ in range(passes)])

        def busy() -> float:
            with _others_busy():
                return bare()

        def decode() -> None:
            for _ in extract.decoded(images, root, preprocess, 4 * batch):
                pass

        contestants: list[tuple[str, Callable[[], float]]] = [
            (TIME, lambda: _caffe_time(timed, passes)),
            (OURS, ours),
            (BARE, bare),
            (BUSY, busy),
            (DECODE, lambda: _clock(decode)),
        ]
        result.seconds = {name: [] for name, _ in contestants}
        for number in cli.progress(range(rounds), f"rounds, {case.name}", rounds):
            first = number % len(contestants)  # a different one begins each round
            for name, work in contestants[first:] + contestants[:first]:
                os.sync()  # what others left to write is not this one's
                result.seconds[name].append(work())
    return result


def _show(result: Result, batch: int) -> None:
    cli.console.print(
        f"{result.case}: {result.images:,} images of {result.bytes / 1000:.1f} kB in "
        f"the mean, {batch} a pass; opening the net took "
        f"{statistics.median(result.opening):.2f} s",
        soft_wrap=True,
    )
    titles = ("", "ms/image", "of the rounds", "ratio", "of the rounds")
    table = Table(*titles, box=box.SIMPLE_HEAD)
    for name, seconds in result.seconds.items():
        each = [1000 * value / result.images for value in seconds]
        ratios = measured.spread(result.ratios(name, TIME), ".2f")
        table.add_row(name, *measured.spread(each, ".2f"), *ratios)
    cli.console.print(table)
    waited = [a / b for a, b in zip(result.waited, result.seconds[OURS], strict=True)]
    cli.console.print(
        f"of the extraction's time, waited for images: {statistics.median(waited):.0%}"
    )
    bare, of_rounds = measured.spread(result.ratios(OURS, BARE), ".2f")
    cli.console.print(f"over pycaffe's {BARE}: {bare} ({of_rounds})")
    ratio = statistics.median(result.ratios(OURS, TIME))
    verdict = "met" if ratio <= TARGET else "missed"
    cli.console.print(f"target: at most {TARGET:.2f} times {TIME}: {verdict}\n")


def bench(
    nets: Annotated[
        list[str] | None, Option("--net", help="demo or paper; both by default.")
    ] = None,
    images: Annotated[
        int | None, Option(min=1, help="In place of 1,024 (demo) or 256 (paper).")
    ] = None,
    dataset: Annotated[
        Path | None, Option(help="Read the images of this data set instead.")
    ] = None,
    split: Annotated[str | None, Option(help="Of that data set.")] = None,
    batch: Annotated[int, Option(min=1, help="Images of one pass.")] = 32,
    rounds: Annotated[int, Option(min=1, help="All contestants once in each.")] = 5,
    json: Annotated[
        Path | None, Option(help="Write all numbers to this file (replaced).")
    ] = None,
) -> None:
    """Time the extraction of features beside the net's forward pass, in turns.

    The extraction's time runs from the first image to the file of features and
    holds all of it: reading, decoding, the net, the batches kept on the disk. The
    start of the process and the opening of the net are apart. `caffe time` runs
    the same net in as many passes of the same batch; only its forward part counts.
    OPENBLAS_NUM_THREADS goes for all of them.

    Example: python benchmarks/extraction.py --net demo --rounds 9
    """
    if (dataset is None) != (split is None):
        raise cli.wrong_use("give both or neither", "--dataset", "--split")
    unknown = set(nets or ()) - set(CASES)
    if unknown:
        raise cli.wrong_use(f"{min(unknown)!r}; expected demo or paper", "--net")
    machine = measured.machine(measured.NUMPY | measured.CV2)
    results = []
    for case in [CASES[name] for name in nets or CASES]:
        count = (images or case.images) // batch * batch
        if count == 0:
            raise cli.wrong_use("fewer images than one batch", "--images")
        with tempfile.TemporaryDirectory(prefix="bench_extraction_") as name:
            if dataset is not None and split is not None:
                data = open_dataset(dataset)
                root, listed = data.root, list(images_of_split(data, split))
            else:
                root = Path(name)
                listed = _draw(root, Case(case.name, case.net, count, case.sides))
            if len(listed) < count:
                raise InputError(
                    f"{len(listed):,} images; expected {count:,}",
                    dataset,
                    "name a larger split, or give --images",
                )
            results.append(_measure(case, listed[:count], root, batch, rounds))
    blas = os.environ.get("OPENBLAS_NUM_THREADS", "one a core")
    cli.console.print(
        f"{machine}; BLAS threads: {blas}; {rounds} rounds", soft_wrap=True
    )
    for result in results:
        _show(result, batch)
    if json is not None:
        measured.write(
            json,
            SCHEMA,
            machine,
            blas_threads=blas,
            batch=batch,
            ours=OURS,
            caffe_time=TIME,
            target_over_caffe_time=TARGET,
            cases=[asdict(result) for result in results],
        )


if __name__ == "__main__":
    cli.run(bench)
