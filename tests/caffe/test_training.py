"""`drdl train`: to the end, or on from the last whole snapshot."""

import fcntl
import os
import re
import signal
import time
from pathlib import Path

import pytest
from commands import PIPE, Job, run, tool
from commands import start as start_program
from helpers import VEHICLES, make_fleet, read_weights, write_nets

from pydrdl import messages
from pydrdl.commands import train as training
from pydrdl.errors import InputError
from pydrdl.nets import prototxt


@pytest.fixture(scope="module")
def lmdb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fleet")
    return make_fleet(folder, VEHICLES, 80, 90).build(folder / "lmdb", 90, (72, 72))


@pytest.fixture
def solver(lmdb: Path, tmp_path: Path) -> Path:
    write_nets(prototxt.DEMO_FAMILY, lmdb, tmp_path, max_iter=4, snapshot=2)
    return tmp_path / "ccl/solver.prototxt"


def state_of(solver: Path, iteration: int) -> Path:
    return solver.with_name(f"ccl_iter_{iteration}.solverstate")


def test_trains_to_the_end_once(solver: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    last = training.train_in_place(solver, log)
    assert (
        last
        == training.final_weights(solver)
        == solver.with_name("ccl_iter_4.caffemodel")
    )
    assert "conv1" in read_weights(last)
    assert training.newest_snapshot(solver) == state_of(solver, 4)
    text = log.read_text()
    assert "Optimization Done" in text
    assert training.train_in_place(solver, log) == last
    assert log.read_text() == text


@pytest.mark.parametrize("damage", ["lost", "cut in half", "cut at its last field"])
def test_goes_on_from_the_newest_whole_snapshot(
    solver: Path, tmp_path: Path, damage: str
) -> None:
    log = tmp_path / "log"
    last = training.train_in_place(solver, log)
    straight = read_weights(last)
    newest = state_of(solver, 4)
    data = newest.read_bytes()
    if damage == "lost":
        newest.unlink()
    elif damage == "cut in half":
        newest.write_bytes(data[: len(data) // 2])
    else:
        # Still a message, and one that Caffe would take: all but current_step.
        state = messages.caffe_pb2.SolverState.FromString(data)
        state.ClearField("current_step")
        newest.write_bytes(state.SerializeToString())
    last.write_bytes(b"cut off")
    assert training.newest_snapshot(solver) == state_of(solver, 2)
    assert training.train_in_place(solver, log) == last
    assert log.read_text().count("Resuming from") == 1
    for name, blobs in read_weights(last).items():
        for before, after in zip(straight[name], blobs, strict=True):
            assert before.tobytes() == after.tobytes(), name


def test_a_run_is_a_folder_that_appears_when_it_is_over(
    solver: Path, tmp_path: Path
) -> None:
    straight = read_weights(training.train_in_place(solver, tmp_path / "log"))
    output, partial = tmp_path / "run", tmp_path / "run.partial"
    shorter = solver.with_name("shorter.prototxt")
    shorter.write_text(solver.read_text().replace("max_iter: 4", "max_iter: 2"))
    # As if a run had been stopped behind iteration 2, then one to the end.
    training.train(shorter, output)
    output.rename(partial)
    training.train(solver, output)
    last = output / "ccl_iter_4.caffemodel"
    assert not partial.exists()
    assert (output / training.TRAINING_LOG).read_text().count("Resuming from") == 1
    assert {p.name for p in output.glob("*_iter_*")} == {
        f"ccl_iter_{i}.{kind}" for i in (2, 4) for kind in ("caffemodel", "solverstate")
    }
    for name, blobs in read_weights(last).items():
        for before, after in zip(straight[name], blobs, strict=True):
            assert before.tobytes() == after.tobytes(), name
    with pytest.raises(InputError, match="the output exists"):
        training.train(solver, output)


def test_a_failure_shows_the_end_of_the_log(
    solver: Path, lmdb: Path, tmp_path: Path
) -> None:
    net = solver.with_name("train_val.prototxt")
    net.write_text(net.read_text().replace(str(lmdb), "nowhere"))
    with pytest.raises(InputError, match="nowhere") as caught:
        training.train_in_place(solver, tmp_path / "log")
    assert caught.value.where == str(tmp_path / "log")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max_iter: 4", "no snapshot_prefix or no max_iter"),
        ('snapshot_prefix: "a"', "no snapshot_prefix or no max_iter"),
        ("max_itr: 4", "cannot read the solver"),
        (None, "cannot read the solver"),
    ],
)
def test_a_solver_that_cannot_be_used(
    tmp_path: Path, text: str | None, message: str
) -> None:
    solver = tmp_path / "solver.prototxt"
    if text is not None:
        solver.write_text(text)
    with pytest.raises(InputError, match=message):
        training.train_in_place(solver, tmp_path / "log")


def test_the_command_is_what_one_would_type(
    solver: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[str] = []

    def run(words: list[str], log: Path, **options: object) -> int:
        given.extend(words)
        training.final_weights(solver).touch()
        return 0

    monkeypatch.setattr("pydrdl.parallel.run", run)
    training.train_in_place(solver, tmp_path / "log", weights=Path("w"), gpu="0")
    assert " ".join(given) == f"caffe train --solver {solver} --weights w --gpu 0"


def test_it_goes_on_with_the_same_solver_net_and_weights_only(
    solver: Path, tmp_path: Path
) -> None:
    output, partial = tmp_path / "run", tmp_path / "run.partial"
    training.train(solver, output)
    with pytest.raises(InputError, match="the output exists"):
        training.train(solver, output)
    output.rename(partial)
    (partial / "ccl_iter_4.solverstate").unlink()
    text = solver.read_text()
    solver.write_text(text.replace("base_lr: ", "base_lr: 1"))
    assert solver.read_text() != text
    with pytest.raises(InputError, match="another solver, net or weights") as caught:
        training.train(solver, output)
    assert caught.value.where == str(partial)
    # A training that a version before began noted nothing: it goes on.
    (partial / training.SETTINGS).unlink()
    training.train(solver, output)
    log = output / training.TRAINING_LOG
    assert log.read_text().count("Resuming from") == 1
    solver.write_text(text)
    training.train(solver, output, overwrite=True)
    assert log.read_text().count("Resuming from") == 0
    assert not partial.exists()


def test_what_failed_before_its_first_snapshot_is_begun_anew(
    solver: Path, tmp_path: Path
) -> None:
    """As the advice says: what the log names is mended, the command given again."""
    text = solver.read_text()
    solver.write_text(text.replace("momentum: 0.9", "momentum: 1.5"))
    done = run(*command(solver), cwd=tmp_path)
    assert done.returncode == 1 and "give the same command again" in done.stderr
    assert (tmp_path / "run.partial/training.json").is_file()
    solver.write_text(text)
    # While another training runs there, it is not.
    with (tmp_path / "run.partial/ccl.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = run(*command(solver), cwd=tmp_path)
        assert done.returncode == 1 and "another solver, net or weights" in done.stderr
    assert run(*command(solver), cwd=tmp_path).returncode == 0
    assert (tmp_path / "run/ccl_iter_4.caffemodel").is_file()


def start(solver: Path, iterations: int, *more: str) -> Job:
    """Starts the command in tmp_path, until Caffe has shown an iteration."""
    text = re.sub(r"(max_iter|snapshot): \d+", rf"\1: {iterations}", solver.read_text())
    solver.write_text("\n".join([text, *more]))
    folder = solver.parents[1]
    job = start_program(
        *command(solver), cwd=folder, session=True, stderr=PIPE, **ONE_THREAD
    )
    log = folder / "run.partial/caffe.log"
    while not (log.is_file() and "Iteration 5," in log.read_text()):
        assert job.poll() is None
        time.sleep(0.01)
    return job


ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}


def command(solver: Path) -> tuple[object, ...]:
    return *tool("train.py"), "--solver", solver, "--output", "run"


@pytest.mark.parametrize(
    ("number", "form"), [(signal.SIGINT, "BINARYPROTO"), (signal.SIGTERM, "HDF5")]
)
def test_stopped_it_writes_a_snapshot_and_goes_on(
    solver: Path, tmp_path: Path, number: signal.Signals, form: str
) -> None:
    """The signal reaches the command alone, as `kill` sends it."""
    with start(solver, 40, f"snapshot_format: {form}") as job:
        job.send_signal(number)
        _, shown = job.communicate(timeout=60)
    assert job.returncode == 128 + number
    assert "run the same command again to go on" in shown
    (stopped,) = (tmp_path / "run.partial").glob("*.solverstate*")
    assert "iter_40" not in stopped.name
    done = run(*command(solver), cwd=tmp_path, **ONE_THREAD)
    assert done.returncode == 0, done.stderr
    last = tmp_path / done.stdout.strip()
    assert last.name.startswith("ccl_iter_40.caffemodel") and last.exists()
    assert (tmp_path / "run/caffe.log").read_text().count("Resuming from") == 1


def test_a_caffe_that_outlives_a_killed_command_is_noticed(
    solver: Path, tmp_path: Path
) -> None:
    with start(solver, 10**6) as job:
        job.kill()
        job.communicate(timeout=60)
    try:
        done = run(*command(solver), cwd=tmp_path, **ONE_THREAD)
        assert done.returncode == 1
        assert "another training writes these snapshots" in done.stderr
    finally:
        os.killpg(job.pid, signal.SIGKILL)
