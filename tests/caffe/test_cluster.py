"""Work handed out by Dask: the same bytes as one machine makes, whatever happens."""

import os
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from commands import DEVNULL, Done, Job, python, run, run_tool, start, tool
from helpers import Fleet, make_fleet, write_linear_net

from pydrdl.cluster import Expected, _prepared
from pydrdl.errors import InputError
from pydrdl.features.extract import open_extractor
from pydrdl.features.spread import Extraction

pytest.importorskip("distributed")
INSIDE = "drdl-one", "drdl-two"  # network namespaces
ADDRESSES = "10.77.0.1", "10.77.0.2"
DASK = python("from dask.__main__ import main; main()")
QUIET = {"OPENBLAS_NUM_THREADS": "1", "GLOG_minloglevel": "2", "PYTHONWARNINGS": ""}
# A tool whose batches wait until a file appears.
GATED = """
import runpy, sys, time
from pathlib import Path
from pydrdl import cli

def progress(items, what, total):
    for number, item in enumerate(items):
        while number == total // 2 and not Path("go").exists():
            Path("half").touch()
            time.sleep(0.05)
        yield item

cli.progress = progress
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    vehicles = dict.fromkeys(range(8), (12, -1))
    fleet = make_fleet(tmp_path_factory.mktemp("fleet"), vehicles, 24, 24)
    fleet.listed("all.txt")
    write_linear_net(fleet.root, outputs=5)
    return fleet


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """Address of a scheduler without workers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        at = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    words = "scheduler", "--host", at, "--no-dashboard"
    with start(*DASK, *words, stderr=DEVNULL, stdout=DEVNULL, **QUIET) as job:
        yield at
        job.terminate()


@contextmanager
def worker(address: str, **changed: str) -> Iterator[Job]:
    """A worker that nobody starts again."""
    words = "worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard"
    with start(*DASK, *words, stderr=DEVNULL, stdout=DEVNULL, **QUIET | changed) as job:
        try:
            yield job
        finally:
            job.kill()


def extract(fleet: Fleet, output: Path, *options: str) -> list[str]:
    return [
        "extract_features.py", str(fleet.root / "all.txt"), "--output", str(output),
        "--net", str(fleet.root / "deploy.prototxt"), "--untrained", "1",
        "--batch", "4", *options,
    ]  # fmt: skip


def build(fleet: Fleet, output: Path, *options: str) -> list[str]:
    return [
        "build_lmdb.py", str(fleet.root / "all.txt"), "--output", str(output),
        "--split", "all", "--size", "16", *options,
    ]  # fmt: skip


def done(command: list[str], **changed: str) -> Done:
    return run_tool(*command, **QUIET | changed)


@pytest.fixture(scope="module")
def whole(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one machine makes: whole.h5 and whole."""
    folder = tmp_path_factory.mktemp("whole")
    for command in (extract(fleet, folder / "x.h5"), build(fleet, folder / "lmdb")):
        assert done(command).returncode == 0
    return folder


def records(folder: Path) -> dict[str, bytes]:
    """Every file of an image LMDB but for the lock."""
    files = folder.iterdir()
    return {file.name: file.read_bytes() for file in files if file.name != "lock.mdb"}


def test_processes_here_extract_the_same_bytes(
    fleet: Fleet, whole: Path, tmp_path: Path
) -> None:
    made = done(extract(fleet, tmp_path / "x.h5", "--workers", "2"))
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "x.h5").read_bytes() == (whole / "x.h5").read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["x.h5"]


def test_workers_of_a_scheduler_make_the_same_bytes(
    fleet: Fleet, whole: Path, scheduler: str, tmp_path: Path
) -> None:
    with worker(scheduler), worker(scheduler):
        for command in (
            extract(fleet, tmp_path / "x.h5", "--workers", scheduler),
            build(fleet, tmp_path / "lmdb", "--workers", scheduler),
        ):
            made = done(command)
            assert made.returncode == 0, made.stderr
    assert (tmp_path / "x.h5").read_bytes() == (whole / "x.h5").read_bytes()
    assert records(tmp_path / "lmdb") == records(whole / "lmdb")


def wait_for(path: Path) -> None:
    end = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < end, f"no {path.name}"
        time.sleep(0.05)


@contextmanager
def half_done(command: list[str], folder: Path) -> Iterator[Job]:
    """A tool that has handed out half of its images, and waits."""
    words = *python(GATED), *tool(command[0])[1:], *command[1:]
    with start(*words, cwd=folder, stderr=DEVNULL, stdout=DEVNULL, **QUIET) as job:
        try:
            wait_for(folder / "half")
            yield job
        finally:
            job.kill()


def test_what_a_killed_worker_had_in_hand_is_done_by_another(
    fleet: Fleet, whole: Path, scheduler: str, tmp_path: Path
) -> None:
    output = tmp_path / "x.h5"
    with worker(scheduler) as first, worker(scheduler):
        command = extract(fleet, output, "--workers", scheduler)
        with half_done(command, tmp_path) as job:
            first.kill()
            (tmp_path / "go").touch()
            assert job.wait() == 0
    assert output.read_bytes() == (whole / "x.h5").read_bytes()


def test_a_worker_that_comes_later_takes_over(
    fleet: Fleet, whole: Path, scheduler: str, tmp_path: Path
) -> None:
    output = tmp_path / "x.h5"
    with worker(scheduler) as first:
        command = extract(fleet, output, "--workers", scheduler)
        with half_done(command, tmp_path) as job:
            first.kill()
            with worker(scheduler):
                (tmp_path / "go").touch()
                assert job.wait() == 0
    assert output.read_bytes() == (whole / "x.h5").read_bytes()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_processes_here_end_with_the_command_which_goes_on(
    number: signal.Signals, fleet: Fleet, whole: Path, tmp_path: Path
) -> None:
    output = tmp_path / "x.h5"
    command = extract(fleet, output, "--workers", "2")
    with half_done(command, tmp_path) as job:
        (local,) = run("pgrep", "-P", str(job.pid)).stdout.split()
        job.send_signal(number)
        assert job.wait() == (130 if number == signal.SIGINT else -number)
    end = time.monotonic() + 90
    while Path(f"/proc/{local}").exists():
        assert time.monotonic() < end, "workers outlive the command"
        time.sleep(0.2)
    assert not output.exists()
    assert done(command).returncode == 0
    assert output.read_bytes() == (whole / "x.h5").read_bytes()


def test_a_worker_that_computes_other_bits_is_refused(
    fleet: Fleet, scheduler: str, tmp_path: Path
) -> None:
    with worker(scheduler, OPENBLAS_CORETYPE="Prescott", DRDL_KERNELS="baseline"):
        refused = done(extract(fleet, tmp_path / "x.h5", "--workers", scheduler))
    assert refused.returncode == 1
    what, where, advice = refused.stderr.splitlines()
    assert "a worker computes other bits than this machine" in what
    assert "Prescott" in what and "DRDL_KERNELS=baseline" in what
    assert "worker on" in where and "OPENBLAS_CORETYPE" in advice
    assert not list(tmp_path.iterdir())


def test_a_worker_with_another_net_is_refused(fleet: Fleet) -> None:
    net = fleet.root / "deploy.prototxt"
    options = {"weights": None, "untrained": 1}
    extractor = open_extractor(net, untrained=1)
    task = Extraction.of(net, options, extractor, fleet.root, 4)
    other = extractor.source.model_copy(update={"net_sha256": "0" * 64})
    with pytest.raises(InputError, match="a worker has another net sha256") as caught:
        _prepared(replace(task, source=other), Expected("", ""))
    assert str(net) in caught.value.where


def test_a_damaged_image_is_told_as_on_one_machine(
    scheduler: str, tmp_path: Path
) -> None:
    fleet = make_fleet(tmp_path / "fleet", {1: (4, -1), 2: (4, -1)}, 24, 24)
    fleet.listed("all.txt")
    write_linear_net(fleet.root, outputs=5)
    (fleet.root / fleet.images[5].path).write_bytes(b"no image")
    alone = done(extract(fleet, tmp_path / "x.h5"))
    with worker(scheduler):
        spread = done(extract(fleet, tmp_path / "x.h5", "--workers", scheduler))
    assert (spread.returncode, spread.stderr) == (1, alone.stderr)
    assert "corrupt image" in alone.stderr


@pytest.mark.parametrize(
    ("command", "workers", "code", "said"),
    [
        (extract, "0", 2, "expected a number from 1, or an address"),
        (build, "localhost", 2, "expected a number from 1, or an address"),
        (build, "tcp://127.0.0.1:1", 1, "no scheduler answers"),
    ],
)
def test_who_is_not_there_is_told(
    command: Callable[..., list[str]],
    workers: str,
    code: int,
    said: str,
    fleet: Fleet,
    tmp_path: Path,
) -> None:
    refused = done(command(fleet, tmp_path / "out", "--workers", workers))
    assert refused.returncode == code
    assert said in refused.stderr and "--workers" in refused.stderr
    assert not list(tmp_path.glob("out*"))


def test_a_scheduler_without_workers_is_told(
    fleet: Fleet, scheduler: str, tmp_path: Path
) -> None:
    refused = done(extract(fleet, tmp_path / "x.h5", "--workers", scheduler))
    assert refused.returncode == 1
    assert "the scheduler has no worker" in refused.stderr
    assert f"dask worker {scheduler} --nthreads 1" in refused.stderr


@pytest.fixture
def two_networks() -> Iterator[None]:
    """Two network namespaces with an address each, joined by a cable."""
    ip = shutil.which("ip")
    if ip is None or os.geteuid() != 0:
        pytest.skip("network namespaces need ip and root")
    one, two = INSIDE
    made = run(ip, "netns", "add", one), run(ip, "netns", "add", two)
    try:
        if any(step.returncode for step in made):
            pytest.skip(f"no network namespaces here: {made[0].stderr}")
        steps = [f"link add {one} type veth peer name {two}"]
        for name, address in zip(INSIDE, ADDRESSES, strict=True):
            steps += [
                f"link set {name} netns {name}",
                f"-n {name} addr add {address}/24 dev {name}",
                f"-n {name} link set {name} up",
                f"-n {name} link set lo up",
            ]
        for step in steps:
            assert run(ip, *step.split()).returncode == 0, step
        yield
    finally:
        for name in INSIDE:
            run(ip, "netns", "delete", name)


def test_machines_of_one_network_make_the_same_bytes(
    fleet: Fleet, whole: Path, two_networks: None, tmp_path: Path
) -> None:
    at = f"tcp://{ADDRESSES[0]}:8786"
    here, there = (("ip", "netns", "exec", name) for name in INSIDE)
    quiet = {"stderr": DEVNULL, "stdout": DEVNULL, **QUIET}
    scheduler = "scheduler", "--host", at, "--no-dashboard"
    words = "worker", at, "--nthreads", "1", "--no-nanny", "--no-dashboard"
    output = tmp_path / "x.h5"
    name, *options = extract(fleet, output, "--workers", at)
    gated = *here, *python(GATED), *tool(name)[1:], *options
    with ExitStack() as stack:

        def started(*command: str, cwd: Path | None = None) -> Job:
            job = start(*command, cwd=cwd, **quiet)
            stack.callback(job.wait)
            stack.callback(job.kill)
            return job

        started(*here, *DASK, *scheduler)
        near, _ = (started(*side, *DASK, *words) for side in (here, there))
        job = started(*gated, cwd=tmp_path)
        wait_for(tmp_path / "half")
        near.kill()  # the other is on the other machine
        (tmp_path / "go").touch()
        assert job.wait() == 0
    assert output.read_bytes() == (whole / "x.h5").read_bytes()
