"""How long an iteration takes with the CPU engine, beside what it replaces.

Stock Caffe is this source without the engine, at upstream's own flags; the command
builds it (preset stock). The floor is what the same multiplications take as bare
sgemm: no direct convolution can be quicker. PyTorch runs the same net where it is
installed.
"""

import ctypes.util
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import measured
import numpy as np
from caffe_timing import CAFFE, LOG, ROOT, caffe_time, feed, forward_seconds
from google.protobuf import text_format
from rich import box
from rich.table import Table
from tables_of_engine import OURS, SGEMM, STOCK
from typer import Option
from whole_commands import run

from pydrdl import cli
from pydrdl.errors import InputError
from pydrdl.messages import caffe_pb2
from pydrdl.pycaffe import net_of, read_net

SCHEMA = "drdl.bench_engine/1"
TORCH = "PyTorch"
NETS = {
    "paper": "prototxt/mixed_difference",
    "single branch": "prototxt/vgg_ccl",
    "demo": "prototxt/demo/mixed_difference",
}
# The quick net: tried with more threads than cores, too, and for longer.
DEMO, LONGER = "demo", 10
PASSED_ON = 32  # images of a pass of extraction
ITERATION = re.compile(r"Iteration (\d+) \(\S+ iter/s, (\S+)s/1 iters\)")
LAYER = re.compile(r"\] +(\S+)\s+(forward|backward): (\S+) ms")
SIDE = 4096  # of the matrices of the floor


@dataclass
class Timed:
    """A net's iterations.

    Attributes:
        net: which.
        images: of an iteration.
        gflop: of its multiplications by weights: an addition counts as one too.
        seconds: of an iteration, by contestant and threads, of every round.
        peak: bytes of the largest process, by contestant.
        layers: milliseconds by contestant, layer and direction; on all threads.
        forward: seconds of a pass of the deploy net, by contestant, of each round.
    """

    net: str
    images: int
    gflop: float
    seconds: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    peak: dict[str, int] = field(default_factory=dict)
    layers: dict[str, dict[str, float]] = field(default_factory=dict)
    forward: dict[str, list[float]] = field(default_factory=dict)

    def add(self, contestant: str, threads: int, seconds: float) -> None:
        """Another round."""
        of = self.seconds.setdefault(contestant, {})
        of.setdefault(str(threads), []).append(seconds)


def _build_stock() -> Path:
    """Caffe without the engine, in build/stock."""
    options = subprocess.run(
        ["tools/fetch_caffe.sh"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    log = ROOT / "build/stock.log"
    with log.open("w") as output:
        for words in (
            ["cmake", "--preset", "stock", *options],
            ["cmake", "--build", "--preset", "stock"],
        ):
            if subprocess.run(words, cwd=ROOT, stdout=output, stderr=output).returncode:
                raise InputError("stock Caffe does not build", log, "read its end")
    return ROOT / "build/stock/caffe"


def _with_inputs(message: Any, folder: Path) -> int:
    """Gives a net random images and the ids of whole sets; returns how many."""
    first, *others = [one for one in message.layer if "data" in one.top]
    if first.type == "PairSetData":
        sets = first.pair_set_data_param
        rows, side = sets.positives + sets.negatives, first.transform_param.crop_size
        images = sets.sets * rows
        ids = np.arange(images)
        ids -= np.where(ids % rows < sets.positives, ids % rows, 0)
    else:
        images, side = PASSED_ON, first.input_param.shape[0].dim[3]
        ids = np.arange(images)
    random = np.random.default_rng(1)
    # float64 would take several times the memory of the whole batch.
    pixels = random.standard_normal((images, 3, side, side), np.float32)
    arrays = {"data": pixels, "vehicle_id": ids, "model_id": ids % 8}
    feed(first, arrays, folder)
    for other in others:
        message.layer.remove(other)
    return images


def _gflop(message: Any) -> float:
    """Billions of multiplications and additions by weights, both passes.

    A layer multiplies as often for the gradient of its weights as in Forward, and
    for that of its bottom, which the first one does not have.
    """
    net = net_of(message, caffe_pb2.TRAIN, "the net")
    total, first = 0, True
    for name, layer in zip(net._layer_names, net.layers, strict=True):
        if layer.type not in ("Convolution", "InnerProduct"):
            continue
        weights, top = layer.blobs[0], net.blobs[net.top_names[name][0]]
        products = top.count * (weights.count // weights.shape[0])
        total += 2 * products * (2 if first else 3)
        first = False
    return total / 1e9


def _sgemm_seconds(gflop: float, threads: int) -> float:
    """Of so many products in large matrices, by the BLAS kernel that Caffe takes.

    As many are done, one after the other, as an iteration has: the rate of a moment
    is not that of as long a time on a machine that others use too.
    """
    one = 2 * SIDE**3 / 1e9
    code = f"""
import caffe, ctypes, numpy as np, sys, time
blas = ctypes.CDLL({ctypes.util.find_library("openblas")!r})
n, products = {SIDE}, {max(4, math.ceil(gflop / one))}
a, b, c = (np.full((n, n), value, np.float32) for value in (1, 2, 0))
p = [array.ctypes.data_as(ctypes.c_void_p) for array in (a, b, c)]
one, zero = ctypes.c_float(1), ctypes.c_float(0)
def multiply():
    blas.cblas_sgemm(101, 111, 111, n, n, n, one, p[0], n, p[1], n, zero, p[2], n)
multiply()  # warms up
start = time.perf_counter()
for _ in range(products):
    multiply()
print((time.perf_counter() - start) / products)
"""
    words = [sys.executable, "-P", "-c", code]
    seconds = run(words, ROOT, environment=_threads(threads))[2].split()[-1]
    return gflop / one * float(seconds)


def _threads(threads: int) -> dict[str, str]:
    return {"OPENBLAS_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}


def _train(
    caffe: Path, net: Path, folder: Path, iterations: int, threads: int
) -> tuple[float, int]:
    """Seconds of an iteration of `caffe train`, and bytes of its memory."""
    solver = caffe_pb2.SolverParameter(
        net=str(net),
        base_lr=1e-8,  # random images teach nothing, and must not end in NaN
        lr_policy="fixed",
        momentum=0.9,
        weight_decay=0.0002,
        display=1,
        max_iter=iterations + 2,
        snapshot_after_train=False,
        snapshot_prefix=str(folder / "none"),
        random_seed=1,
        solver_mode=caffe_pb2.SolverParameter.CPU,
    )
    path = folder / "solver.prototxt"
    path.write_text(text_format.MessageToString(solver))
    words = [str(caffe), "train", "--solver", str(path)]
    _, peak, text = run(words, ROOT, environment={**LOG, **_threads(threads)})
    # The first takes its memory.
    found = [float(s) for n, s in ITERATION.findall(text) if int(n) > 1]
    if len(found) != iterations:
        raise InputError("it told no times", " ".join(words), "run it by hand")
    return statistics.fmean(found), peak


def _torch(net: Path, folder: Path, iterations: int, threads: int) -> float:
    words = [sys.executable, str(ROOT / "benchmarks/engine_torch.py"), str(net)]
    words += [str(folder / "inputs.h5"), str(iterations)]
    return float(run(words, ROOT, environment=_threads(threads))[2].split()[-1])


def _measure(
    name: str,
    caffes: Mapping[str, Path],
    rounds: int,
    iterations: int,
    torch: bool,
    one_thread: bool,
) -> Timed:
    """Every contestant once a round, in turns."""
    iterations *= LONGER if name == DEMO else 1
    most = len(os.sched_getaffinity(0))
    all_threads = _threads(most)
    counts = sorted({1, most}) if one_thread or name == DEMO else [most]
    with tempfile.TemporaryDirectory(prefix="bench_engine_") as text:
        folder, deploy = Path(text), Path(text) / "deploy"
        deploy.mkdir()
        message = read_net(ROOT / NETS[name] / "train_val.prototxt")
        images = _with_inputs(message, folder)
        net = folder / "net.prototxt"
        net.write_text(text_format.MessageToString(message))
        timed = Timed(name, images, _gflop(message))
        message = read_net(ROOT / NETS[name] / "deploy.prototxt")
        _with_inputs(message, deploy)
        passed = deploy / "net.prototxt"
        passed.write_text(text_format.MessageToString(message))
        for _ in cli.progress(range(rounds), f"rounds, {name}", rounds):
            for threads in counts:
                for contestant, caffe in caffes.items():
                    seconds, peak = _train(caffe, net, folder, iterations, threads)
                    timed.add(contestant, threads, seconds)
                    timed.peak[contestant] = peak
                timed.add(SGEMM, threads, _sgemm_seconds(timed.gflop, threads))
                if torch:
                    timed.add(TORCH, threads, _torch(net, folder, iterations, threads))
            if name == DEMO:
                threads = 4 * most
                seconds, _ = _train(caffes[OURS], net, folder, iterations, threads)
                timed.add(OURS, threads, seconds)
            for contestant, caffe in caffes.items():
                log = caffe_time(
                    passed, 5, "TEST", caffe=caffe, environment=all_threads
                )
                timed.forward.setdefault(contestant, []).append(forward_seconds(log))
        for contestant, caffe in caffes.items():
            log = caffe_time(
                net, iterations, "TRAIN", caffe=caffe, environment=all_threads
            )
            timed.layers[contestant] = {
                f"{layer} {way}": float(ms) for layer, way, ms in LAYER.findall(log)
            }
    return timed


def _shown(timed: Timed) -> Table:
    table = Table("", "threads", "s/iteration", "stock over it", box=box.SIMPLE_HEAD)
    for contestant, by_threads in timed.seconds.items():
        for threads, seconds in by_threads.items():
            stock = timed.seconds[STOCK]
            same = stock.get(threads, stock[max(stock, key=int)])
            median = f"{statistics.median(seconds):.3f}"
            ratio = f"{statistics.median(measured.ratios(same, seconds)):.2f}"
            table.add_row(f"{timed.net}, {contestant}", threads, median, ratio)
    return table


def measure(
    nets: Annotated[
        str, Option(help=f"Which, with commas between: {', '.join(NETS)}.")
    ] = ",".join(NETS),
    rounds: Annotated[int, Option(min=1, help="Turns of everyone.")] = 3,
    iterations: Annotated[
        int, Option(min=1, help=f"In each turn; of the demo's {LONGER} times as many.")
    ] = 2,
    one_thread: Annotated[
        bool, Option(help="On one thread too; the demo's net always is.")
    ] = True,
    json: Annotated[Path | None, Option(help="Write the figures there.")] = None,
) -> None:
    """Time whole iterations, each layer, and the forward pass of extraction.

    Example: python benchmarks/engine.py --nets demo
    """
    chosen = nets.split(",")
    for name in chosen:
        if name not in NETS:
            raise cli.wrong_use(f"{name} is none of {', '.join(NETS)}", "--nets")
    machine = measured.machine({"PyTorch": "torch"})
    caffes = {STOCK: _build_stock(), OURS: CAFFE}
    torch = find_spec("torch") is not None
    found = []
    for name in chosen:
        start = time.monotonic()
        timed = _measure(name, caffes, rounds, iterations, torch, one_thread)
        found.append(timed)
        cli.console.print(_shown(timed))
        cli.stderr.print(f"{name}: {time.monotonic() - start:.0f} s", markup=False)
    if json is not None:
        measured.write(
            json, SCHEMA, machine, iterations=iterations, nets=list(map(asdict, found))
        )


if __name__ == "__main__":
    cli.run(measure)
