"""`caffe train` by the package: to the end, or on from the last whole snapshot."""

from pathlib import Path

import pytest
from helpers import make_fleet, read_weights
from test_caffe_command import VEHICLES, write_nets

from pydrdl import messages
from pydrdl.errors import InputError
from pydrdl.nets import prototxt
from pydrdl.reproduce import training


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
    last = training.train(solver, log)
    assert (
        last
        == training.final_weights(solver)
        == solver.with_name("ccl_iter_4.caffemodel")
    )
    assert "conv1" in read_weights(last)
    assert training.newest_snapshot(solver) == state_of(solver, 4)
    text = log.read_text()
    assert "Optimization Done" in text
    assert training.train(solver, log) == last
    assert log.read_text() == text


@pytest.mark.parametrize("damage", ["lost", "cut in half", "cut at its last field"])
def test_goes_on_from_the_newest_whole_snapshot(
    solver: Path, tmp_path: Path, damage: str
) -> None:
    log = tmp_path / "log"
    last = training.train(solver, log)
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
    assert training.train(solver, log) == last
    assert log.read_text().count("Resuming from") == 1
    for name, blobs in read_weights(last).items():
        for before, after in zip(straight[name], blobs, strict=True):
            assert before.tobytes() == after.tobytes(), name


def test_a_run_is_a_folder_that_appears_when_it_is_over(
    solver: Path, tmp_path: Path
) -> None:
    straight = read_weights(training.train(solver, tmp_path / "log"))
    output, partial = tmp_path / "run", tmp_path / "run.partial"
    shorter = solver.with_name("shorter.prototxt")
    shorter.write_text(solver.read_text().replace("max_iter: 4", "max_iter: 2"))
    # As if a run had been stopped behind iteration 2, then one to the end.
    training.train_into(shorter, output)
    output.rename(partial)
    last = training.train_into(solver, output)
    assert last == output / "ccl_iter_4.caffemodel"
    assert not partial.exists()
    assert (output / training.LOG).read_text().count("Resuming from") == 1
    assert {p.name for p in output.glob("*_iter_*")} == {
        f"ccl_iter_{i}.{kind}" for i in (2, 4) for kind in ("caffemodel", "solverstate")
    }
    for name, blobs in read_weights(last).items():
        for before, after in zip(straight[name], blobs, strict=True):
            assert before.tobytes() == after.tobytes(), name
    with pytest.raises(InputError, match="the output exists"):
        training.train_into(solver, output)


def test_a_failure_shows_the_end_of_the_log(
    solver: Path, lmdb: Path, tmp_path: Path
) -> None:
    net = solver.with_name("train_val.prototxt")
    net.write_text(net.read_text().replace(str(lmdb), "nowhere"))
    with pytest.raises(InputError, match="nowhere") as caught:
        training.train(solver, tmp_path / "log")
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
        training.train(solver, tmp_path / "log")


def test_the_command_is_what_one_would_type(tmp_path: Path) -> None:
    words = training.command(Path("s"), weights=Path("w"), gpu="0")
    assert " ".join(words) == "caffe train --solver s --weights w --gpu 0"
