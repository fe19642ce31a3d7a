"""How fast image LMDBs are built, beside OpenCV alone, and in what memory."""

import os
import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from pydrdl import cli
from pydrdl.datasets import Image
from pydrdl.image_lmdb import build_image_lmdb

SCHEMA = "drdl.bench_build_lmdb/1"
SIZE, QUALITY = (256, 256), 95
PER_VEHICLE = 8
TARGET = 0.8
PAPER_IMAGES = 221_767  # the release's, unlabelled ones included


@dataclass
class Mode:
    """One way to store images.

    Attributes:
        name: for the table.
        quality: JPEG quality; None stores pixels.
        ours: seconds of the builder, in each round.
        bare: seconds of OpenCV alone.
    """

    name: str
    quality: int | None
    ours: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)

    @property
    def ratios(self) -> list[float]:
        """The builder's images a second over OpenCV's, in each round."""
        return [b / a for a, b in zip(self.ours, self.bare, strict=True)]


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


def _bare(
    images: Sequence[Image], root: Path, quality: int | None, threads: int
) -> None:
    """imread, resize and imencode (of pixels: nothing) on as many threads."""
    flags = [] if quality is None else [cv2.IMWRITE_JPEG_QUALITY, quality]

    def work(first: int) -> None:
        for image in images[first::threads]:
            pixels = cv2.imread(str(root / image.path))
            pixels = cv2.resize(pixels, SIZE, interpolation=cv2.INTER_AREA)
            if quality is not None:
                cv2.imencode(".jpg", pixels, flags)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(threads)))


def _build(
    images: Sequence[Image], root: Path, quality: int | None, threads: int, output: Path
) -> None:
    build_image_lmdb(
        images, root, output, size=SIZE, jpeg_quality=quality, workers=threads
    )


def _seconds(work: Callable[[], object]) -> float:
    os.sync()  # what earlier rounds left to write is not this one's
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _measure(
    images: Sequence[Image], root: Path, threads: int, rounds: int
) -> list[Mode]:
    modes = [Mode("JPEG", QUALITY), Mode("raw", None)]
    cv2.setNumThreads(0)
    for number in cli.progress(range(rounds), "rounds", rounds):
        for mode in modes:
            output = root / "lmdb"

            def ours(mode: Mode = mode, output: Path = output) -> None:
                _build(images, root, mode.quality, threads, output)

            def bare(mode: Mode = mode) -> None:
                _bare(images, root, mode.quality, threads)

            pair = [(mode.ours, ours), (mode.bare, bare)]
            for seconds, work in pair if number % 2 else reversed(pair):
                seconds.append(_seconds(work))
            shutil.rmtree(output)
    return modes
