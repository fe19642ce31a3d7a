"""How long an iteration of training takes, by loss: the seconds of convergence.

The nets of tools/reproduce.py or tools/make_nets.py take turns, a few iterations
each; data layer, both passes and the update are in it.
"""

import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Annotated

import measured
from google.protobuf import text_format
from rich import box
from rich.table import Table
from typer import Option

from pydrdl import cli
from pydrdl.errors import InputError
from pydrdl.messages import caffe_pb2
from pydrdl.pycaffe import import_caffe
from pydrdl.reproduce.setting import STRUCTURES

SCHEMA = "drdl.bench_training/2"


def _solvers(nets: Path, folder: Path) -> dict[str, object]:
    """A solver for each method, which snapshots nothing here."""
    caffe = import_caffe()
    solvers = {}
    for method, structure in STRUCTURES.items():
        path = nets / structure / "solver.prototxt"
        if not path.exists():
            raise InputError(
                "no such solver",
                path,
                "make it with tools/reproduce.py or make_nets.py",
            )
        message = text_format.Parse(path.read_text(), caffe_pb2.SolverParameter())
        message.snapshot = 0
        message.snapshot_after_train = False
        message.snapshot_prefix = str(folder / structure)
        message.display = 0
        copy = folder / f"{structure}.prototxt"
        copy.write_text(text_format.MessageToString(message))
        solvers[method] = caffe.SGDSolver(str(copy))
        solvers[method].step(1)  # takes its memory
    return solvers


def measure(
    nets: Annotated[
        Path, Option(help="Folder of triplet/, ccl/ and mixed_difference/.")
    ] = Path("data/reproduce/demo/nets/seed1"),
    rounds: Annotated[int, Option(min=1, help="Turns of each net.")] = 9,
    iterations: Annotated[int, Option(min=1, help="In each turn.")] = 5,
    json: Annotated[Path | None, Option(help="Write the figures there.")] = None,
) -> None:
    """Measure seconds an iteration, and each net's over the triplet net's.

    Example: OPENBLAS_NUM_THREADS=1 python benchmarks/training.py --rounds 9
    """
    machine = measured.machine(measured.NUMPY)
    seconds: dict[str, list[float]] = {method: [] for method in STRUCTURES}
    with tempfile.TemporaryDirectory() as folder:
        solvers = _solvers(nets, Path(folder))
        for _ in range(rounds):
            for method, solver in solvers.items():
                start = time.perf_counter()
                solver.step(iterations)  # type: ignore[attr-defined]
                seconds[method].append((time.perf_counter() - start) / iterations)
    first = next(iter(seconds.values()))
    table = Table(
        "", "s/iteration", "over triplet", "of the rounds", box=box.SIMPLE_HEAD
    )
    for method, found in seconds.items():
        ratios = [a / b for a, b in zip(found, first, strict=True)]
        table.add_row(
            method, f"{statistics.median(found):.3f}", *measured.spread(ratios, ".2f")
        )
    cli.console.print(table)
    if json is not None:
        threads = os.environ.get("OPENBLAS_NUM_THREADS", "one a core")
        measured.write(
            json,
            SCHEMA,
            machine,
            blas_threads=threads,
            iterations=iterations,
            seconds=seconds,
        )


if __name__ == "__main__":
    cli.run(measure)
