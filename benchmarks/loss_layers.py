"""How long the loss layers take, beside PyTorch's autograd and a plain copy."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import Annotated

import measured
import numpy as np
from cuda_driver import CudaDriver
from loss_race import Contestant, Outcome, race, validate
from loss_work import WAYS, Work, loss_net, make_work
from rich import box
from rich.table import Table
from typer import Option

from pydrdl import cli
from pydrdl.pycaffe import import_caffe, why_no_gpu

try:
    import torch
except ImportError:
    torch = None

caffe = import_caffe()
SCHEMA = "drdl.bench_loss_layers/2"
CAFFE, EAGER, COMPILED, COPY = "Caffe", "PyTorch", "torch.compile", "copy"
TORCH_MISSING = "torch is not installed; pip install --constraint constraints.txt torch"
WIDTH = 132  # columns are not cut to fit a pipe's or a terminal's 80

Device = Enum("Device", {"CPU": "cpu", "GPU": "gpu"}, type=str)


def _layer(work: Work) -> Contestant:
    net = loss_net(work.way, work.sets, work.features.shape[1])
    net.blobs["features"].data[...] = work.features
    value = 0.0

    def run() -> None:
        nonlocal value
        value = net.forward()
        net.backward()

    return Contestant(CAFFE, run, lambda: (value, net.blobs["features"].diff.copy()))


def _copy(size: int, driver: CudaDriver | None) -> Contestant:
    """A copy that moves so many bytes: reads one half, writes the other."""
    half = size // 2
    if driver is not None:
        source, target = driver.allocate(half), driver.allocate(half)
        return Contestant(COPY, lambda: driver.copy(target, source, half))
    here, there = np.ones(half, np.uint8), np.ones(half, np.uint8)
    return Contestant(COPY, lambda: np.copyto(there, here))


def _autograd(
    work: Work, device: Device, compiled: bool
) -> Iterator[Contestant | tuple[str, str]]:
    """PyTorch's contestants, or who of them cannot run, and why."""
    import loss_torch

    where = "cuda" if device is Device.GPU else "cpu"
    loss = loss_torch.loss_of(work, where)
    one = loss_torch.Pass(loss, work, where)
    yield Contestant(EAGER, one, one.result)
    if compiled:
        one = loss_torch.Pass(torch.compile(loss, dynamic=False), work, where)
        try:
            one()
        except Exception as error:  # whatever its compilers raise
            yield COMPILED, str(error).strip().splitlines()[0]
            return
        yield Contestant(COMPILED, one, one.result)


def _compare(
    work: Work, device: Device, compiled: bool, rounds: int, wait: Callable[[], object]
) -> Outcome:
    """Validates everyone who can compute it, then times them."""
    driver = CudaDriver() if device is Device.GPU else None
    contestants = [_layer(work), _copy(work.least_bytes, driver)]
    failed = {}
    if torch is not None:
        for found in _autograd(work, device, compiled):
            if isinstance(found, Contestant):
                contestants.append(found)
            else:
                failed[found[0]] = found[1]
    for contestant in contestants:
        validate(contestant, work)
    race(contestants, rounds, wait)
    seconds = {c.name: c.seconds for c in contestants}
    return Outcome(work.layer, work.way, work.sets, work.least_bytes, seconds, failed)


def _own_share(wait: Callable[[], object], rounds: int) -> float:
    """Seconds that pycaffe, Net and a layer take where there is no work."""
    net = loss_net("EXACT", 1, 1)
    contestant = Contestant(CAFFE, lambda: (net.forward(), net.backward()), passes=300)
    return statistics.median(contestant.measure(wait) for _ in range(rounds))


def _table(outcomes: Sequence[Outcome]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for title in ("loss", "sets", "who"):
        table.add_column(title, no_wrap=True)
    for title in ("ms a pass", "of rounds", "over Caffe's", "of rounds", "of copy"):
        table.add_column(title, justify="right", no_wrap=True)
    for outcome in outcomes:
        for name, seconds in outcome.seconds.items():
            ratio = measured.spread(outcome.ratios(name, CAFFE), ".2f")
            share = statistics.median(outcome.ratios(COPY, name))
            table.add_row(
                f"{outcome.layer.removesuffix('Loss')} {outcome.way}",
                f"{outcome.sets:,}",
                name,
                *measured.spread([1000 * s for s in seconds], ".3f"),
                *(ratio if name != CAFFE else ("", "")),
                f"{share:.2f}" if name != COPY else "",
                end_section=name == list(outcome.seconds)[-1],
            )
    return table


def bench(
    device: Annotated[Device, Option(help="Where to compute.")] = Device.CPU,
    sets: Annotated[
        list[int] | None,
        Option(min=1, help="In a batch; may be repeated.  [default: 15, 1500]"),
    ] = None,
    dim: Annotated[int, Option(min=16, help="D, length of a feature.")] = 1024,
    rounds: Annotated[int, Option(min=1, help="All contestants once in each.")] = 9,
    threads: Annotated[
        int | None, Option(min=1, help="PyTorch's on the CPU.  [default: all cores]")
    ] = None,
    compiled: Annotated[
        bool, Option("--compile/--no-compile", help="Time torch.compile too.")
    ] = True,
    seed: Annotated[int, Option(min=0, help="Of the features.")] = 0,
    json: Annotated[
        Path | None, Option(help="Write all numbers to this file (replaced).")
    ] = None,
) -> None:
    """Time forward + backward of the losses, in turns with PyTorch's autograd.

    First, the losses and gradients of all are held against the NumPy reference.
    A copy of as many bytes as the loss cannot help but move (features read by
    Forward and, where they matter, by Backward; gradient written) gives the
    bandwidth: "of copy" is the share of it that is used. Without torch, Caffe
    is timed alone.

    Example: python benchmarks/loss_layers.py --rounds 15
    """
    machine = measured.machine(measured.NUMPY | {"PyTorch": "torch"})
    wait: Callable[[], object] = lambda: None  # noqa: E731
    if device is Device.GPU:
        reason = why_no_gpu()
        if reason is not None:
            raise cli.wrong_use(
                f"no GPU that Caffe can use ({reason}); "
                "build with tools/setup.sh cuda where there is one",
                "--device",
            )
        caffe.set_mode_gpu()
        caffe.set_device(0)
        wait = CudaDriver().synchronize
    if threads is not None and torch is not None:
        torch.set_num_threads(threads)
    batches = [(way, count) for count in sets or (15, 1500) for way in WAYS]
    own = _own_share(wait, rounds)
    outcomes = [
        _compare(make_work(way, count, dim, seed), device, compiled, rounds, wait)
        for way, count in cli.progress(batches, "losses", len(batches))
    ]

    torch_threads = None if torch is None else torch.get_num_threads()
    gpu = CudaDriver().device_name() if device is Device.GPU else None
    cli.console.width = max(cli.console.width, WIDTH)
    threaded = "" if torch is None else f"; PyTorch's threads: {torch_threads}"
    cli.console.print(f"{machine}{threaded}; on {gpu or 'the CPU'}", soft_wrap=True)
    cli.console.print(
        f"forward + backward, 5 + 5 images a set, D = {dim}, float; medians of "
        f"{rounds} rounds; of Caffe's time, {1e3 * own:.3f} ms are the net's and "
        "pycaffe's (one set, D = 1)",
        soft_wrap=True,
    )
    cli.console.print(_table(outcomes))
    for outcome in outcomes:
        for name, reason in outcome.failed.items():
            cli.console.print(
                f"not measured: {name}, {outcome.way}, {outcome.sets} sets: {reason}",
                markup=False,
                soft_wrap=True,
            )
    if torch is None:
        cli.console.print(f"not measured: {EAGER}: {TORCH_MISSING}", soft_wrap=True)
    if json is not None:
        measured.write(
            json,
            SCHEMA,
            machine,
            gpu=gpu,
            torch_threads=torch_threads,
            dim=dim,
            seconds_without_work=own,
            outcomes=[asdict(outcome) for outcome in outcomes],
        )


if __name__ == "__main__":
    cli.run(bench)
