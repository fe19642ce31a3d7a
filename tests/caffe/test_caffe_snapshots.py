"""Snapshots: written whole or not at all, resumed exactly, never mixed up."""

import resource
import shutil
import signal
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from commands import CAFFE, DEVNULL, python, run, run_caffe, start
from helpers import logged, read_weights
from small_net import message, train, write

from pydrdl import messages

SOLVERS = {
    "SGD": {},
    "Nesterov": {},
    "AdaGrad": {"momentum": None},
    "RMSProp": {"momentum": None, "rms_decay": 0.9},
    "AdaDelta": {"momentum": 0.95, "delta": "1e-6"},
    "Adam": {"momentum2": 0.999},
}
TRAIN = CAFFE, "train", "--solver", "solver.prototxt"
FORMS = {"BINARYPROTO": "", "HDF5": ".h5"}


def bytes_of(path: Path) -> bytes:
    """The file; of HDF5, which holds times of day, what its datasets hold."""
    if path.suffix != ".h5":
        return path.read_bytes()
    values: list[bytes] = []

    def collect(name: str, item: h5py.Dataset | h5py.Group) -> None:
        if isinstance(item, h5py.Dataset):
            values.append(name.encode() + np.asarray(item[()]).tobytes())

    with h5py.File(path) as file:
        file.visititems(collect)
    return b"".join(values)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_training_with_dropout_goes_on_bit_for_bit(
    tmp_path: Path, solver: str, form: str
) -> None:
    write(tmp_path, type=f'"{solver}"', snapshot_format=form, **SOLVERS[solver])
    ending = FORMS[form]
    straight = train(tmp_path)
    assert straight.returncode == 0, straight.stderr
    last = tmp_path / f"s_iter_10.caffemodel{ending}"
    whole = bytes_of(last)
    last.unlink()
    resumed = train(tmp_path, "--snapshot", f"s_iter_5.solverstate{ending}")
    assert resumed.returncode == 0, resumed.stderr
    assert logged(resumed.stderr, "loss") == logged(straight.stderr, "loss")[5:]
    assert bytes_of(last) == whole


def test_dropout_drops_other_units_with_another_seed(tmp_path: Path) -> None:
    write(tmp_path)
    first = logged(train(tmp_path).stderr, "loss")
    write(tmp_path, random_seed=2)
    assert logged(train(tmp_path).stderr, "loss") != first


def test_a_killed_training_goes_on(tmp_path: Path) -> None:
    write(tmp_path, max_iter=4000, snapshot=50, display=0)
    straight = train(tmp_path)
    assert straight.returncode == 0
    whole = bytes_of(tmp_path / "s_iter_4000.caffemodel")
    for path in tmp_path.glob("s_iter_*"):
        path.unlink()
    running = start(*TRAIN, cwd=tmp_path, stderr=DEVNULL, OPENBLAS_NUM_THREADS="1")
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("s_iter_*.solverstate"))) < 3:
        assert time.monotonic() < deadline and running.poll() is None
        time.sleep(0.001)
    running.send_signal(signal.SIGKILL)
    running.wait()
    states = tmp_path.glob("s_iter_*.solverstate")
    newest = max(states, key=lambda path: int(path.stem.split("_")[-1]))
    done = train(tmp_path, "--snapshot", newest.name)
    assert done.returncode == 0, done.stderr
    assert bytes_of(tmp_path / "s_iter_4000.caffemodel") == whole
    assert not [p for p in tmp_path.iterdir() if p.suffix in (".part", ".lock")]


@pytest.mark.parametrize("form", FORMS)
def test_no_room_is_told_and_leaves_what_was_there(tmp_path: Path, form: str) -> None:
    write(tmp_path, snapshot_format=form, max_iter=5)
    assert train(tmp_path).returncode == 0
    names = sorted(path.name for path in tmp_path.iterdir())
    before = {n: bytes_of(tmp_path / n) for n in names}

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))

    done = run(*TRAIN, cwd=tmp_path, before=limit)
    told = message(done)
    assert "cannot write the file: File too large" in told
    assert f"s_iter_5.caffemodel{FORMS[form]}" in told
    assert {p.name: bytes_of(p) for p in tmp_path.iterdir()} == before


def test_weights_beside_the_state_come_first(tmp_path: Path) -> None:
    write(tmp_path)
    train(tmp_path)
    whole = bytes_of(tmp_path / "s_iter_10.caffemodel")
    aside = tmp_path / "aside"
    aside.mkdir()
    for kind in ("caffemodel", "solverstate"):
        shutil.copy(tmp_path / f"s_iter_5.{kind}", aside)
    write(tmp_path, random_seed=2)
    train(tmp_path)
    write(tmp_path)
    done = train(tmp_path, "--snapshot", "aside/s_iter_5.solverstate")
    assert "Weights of the snapshot: aside/s_iter_5.caffemodel" in done.stderr
    assert bytes_of(tmp_path / "s_iter_10.caffemodel") == whole
    # The weights give the state's name too.
    done = train(tmp_path, "--snapshot", "aside/s_iter_5.caffemodel")
    assert done.returncode == 0
    assert bytes_of(tmp_path / "s_iter_10.caffemodel") == whole


@pytest.mark.parametrize("form", FORMS)
def test_weights_of_another_snapshot_are_refused(tmp_path: Path, form: str) -> None:
    ending = FORMS[form]
    write(tmp_path, snapshot_format=form)
    train(tmp_path)
    state = f"s_iter_5.solverstate{ending}"
    other = tmp_path / f"s_iter_10.caffemodel{ending}"
    shutil.copy(other, tmp_path / f"s_iter_5.caffemodel{ending}")
    told = message(train(tmp_path, "--snapshot", state))
    assert "the weights do not belong to the solver state" in told
    # Where there are none beside it, those at the old path are asked the same.
    aside = tmp_path / "aside"
    aside.mkdir()
    shutil.copy(tmp_path / state, aside)
    told = message(train(tmp_path, "--snapshot", f"aside/{state}"))
    assert "the weights do not belong to the solver state" in told


def test_a_state_of_upstream_is_read(tmp_path: Path) -> None:
    write(tmp_path)
    train(tmp_path)
    path = tmp_path / "s_iter_5.solverstate"
    state = messages.caffe_pb2.SolverState.FromString(path.read_bytes())
    for field in ("seal", "learned_net_crc32", "random_generator"):
        assert state.HasField(field)
        state.ClearField(field)
    path.write_bytes(state.SerializeToString())
    weights = tmp_path / "s_iter_5.caffemodel"
    net = messages.caffe_pb2.NetParameter.FromString(weights.read_bytes())
    net.ClearField("seal")
    weights.write_bytes(net.SerializeToString())
    assert train(tmp_path, "--snapshot", path.name).returncode == 0


def test_the_state_of_another_net_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    train(tmp_path)
    net = (tmp_path / "net.prototxt").read_text()
    (tmp_path / "net.prototxt").write_text(
        net.replace("num_output: 16", "num_output: 8")
    )
    told = message(train(tmp_path, "--snapshot", "s_iter_5.solverstate"))
    assert "the solver state is another net's" in told
    write(tmp_path, type='"Adam"')
    told = message(train(tmp_path, "--snapshot", "s_iter_5.solverstate"))
    assert "the solver state is another solver's or another net's" in told


@pytest.mark.parametrize(
    "name", ["caffemodel", "solverstate", "caffemodel.h5", "solverstate.h5"]
)
def test_damage_anywhere_is_refused(tmp_path: Path, name: str) -> None:
    form = "HDF5" if name.endswith("h5") else "BINARYPROTO"
    write(tmp_path, snapshot_format=form)
    train(tmp_path)
    path = tmp_path / f"s_iter_5.{name}"
    whole = path.read_bytes()
    option = "--snapshot" if "state" in name else "--weights"
    generator = np.random.default_rng(0)
    head = 512 if form == "HDF5" else 17
    for offset in generator.integers(head, len(whole), 8):
        damaged = bytearray(whole)
        damaged[offset] ^= 1 << generator.integers(8)
        path.write_bytes(damaged)
        assert "the file is damaged" in message(train(tmp_path, option, path.name))
    for size in (0, 1, head, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        told = message(train(tmp_path, option, path.name))
        assert size < head or "the file is cut off" in told


def test_two_trainings_of_one_prefix_are_refused(tmp_path: Path) -> None:
    write(tmp_path, max_iter=1000000, snapshot=0)
    first = start(*TRAIN, cwd=tmp_path, stderr=DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while not (tmp_path / "s.lock").exists():
            assert time.monotonic() < deadline and first.poll() is None
            time.sleep(0.01)
        told = message(train(tmp_path))
        assert "another training writes these snapshots" in told
        write(tmp_path, snapshot_prefix='"other"', max_iter=2)
        assert train(tmp_path).returncode == 0
    finally:
        first.kill()
        first.wait()
    # The lock of a killed training is no lock.
    write(tmp_path, max_iter=2)
    assert train(tmp_path).returncode == 0
    assert not (tmp_path / "s.lock").exists()


def test_weights_that_hold_nothing_for_the_net_are_refused(tmp_path: Path) -> None:
    write(tmp_path)
    train(tmp_path)
    renamed = (tmp_path / "net.prototxt").read_text()
    renamed = renamed.replace('name: "ip"', 'name: "a"').replace(
        'name: "fc"', 'name: "b"'
    )
    (tmp_path / "net.prototxt").write_text(renamed)
    testing = ["test", "--model", "net.prototxt", "--iterations", "1"]
    for command in (["train", "--solver", "solver.prototxt"], testing):
        done = run_caffe(*command, "--weights", "s_iter_5.caffemodel", cwd=tmp_path)
        told = message(done)
        assert "the weights hold nothing for this net" in told and "(a, b)" in told
    one = renamed.replace('name: "a"', 'name: "ip"')
    (tmp_path / "net.prototxt").write_text(one)
    done = train(tmp_path, "--weights", "s_iter_5.caffemodel")
    assert done.returncode == 0
    assert "1 of 2 layers with weights are not in the file" in done.stderr


def test_a_nan_ends_training_before_a_snapshot_is_overwritten(tmp_path: Path) -> None:
    write(tmp_path, max_iter=5)
    train(tmp_path)
    good = bytes_of(tmp_path / "s_iter_5.caffemodel")
    write(tmp_path, base_lr="1e38", max_iter=10)
    told = message(train(tmp_path))
    assert "no snapshot is written" in told and "iteration " in told
    assert bytes_of(tmp_path / "s_iter_5.caffemodel") == good
    assert not (tmp_path / "s_iter_10.caffemodel").exists()
    write(tmp_path, base_lr="1e38", stop_at_nan="false", max_iter=10)
    assert train(tmp_path).returncode == 0
    weights = read_weights(tmp_path / "s_iter_10.caffemodel")
    assert not np.isfinite(weights["fc"][0]).all()


PYCAFFE = """
import caffe, os
net = caffe.Net("net.prototxt", caffe.TRAIN)
def refused(what, *parts):
    try:
        what()
    except RuntimeError as error:
        text = str(error)
        assert "\\n  where: " in text and "\\n  next: " in text, text
        assert all(part in text for part in parts), text
    else:
        raise AssertionError("not refused: " + parts[0])
refused(lambda: net.save("/dev/full"), "No space left on device", "/dev/full")
refused(lambda: net.save("no/x.caffemodel"), "No such file", "no/x.caffemodel")
refused(lambda: net.save_hdf5("no/x.h5"), "No such file")
refused(lambda: net.save_hdf5("/dev/full"), "No space left on device")
refused(lambda: net.copy_from("."), "a folder, where")
refused(lambda: net.load_hdf5("none.h5"), "No such file")
refused(lambda: caffe.Net("none.prototxt", caffe.TEST), "No such file")
refused(
    lambda: caffe.Net("net.prototxt", "solver.prototxt", caffe.TEST), "failed to parse"
)
solver = caffe.get_solver("solver.prototxt")
refused(lambda: solver.restore("s_iter_9.caffemodel"), "solver state is expected")
refused(lambda: net.blobs["fc"].reshape(1, -3), ">= 0")
net.blobs["x"].reshape(3, 4)
refused(net.reshape, "layer loss (SoftmaxWithLoss), net small")
solver.step(1)
net.save("whole.caffemodel")
del solver
print(sorted(os.listdir(".")))
"""


def test_pycaffe_raises_and_lives_on(tmp_path: Path) -> None:
    write(tmp_path)
    done = run(*python(PYCAFFE), cwd=tmp_path, GLOG_minloglevel="2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(
        ["net.prototxt", "solver.prototxt", "whole.caffemodel"]
    )
