"""`caffe train` into a folder that appears when whole, and goes on when stopped."""

import fcntl
import json
import os
import re
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from pydrdl import cli
from pydrdl.commands import options
from pydrdl.errors import InputError, writing
from pydrdl.files import exists, file_sha256, files_in, is_file, read_bytes, write_text
from pydrdl.reproduce.setting import TRAINING_LOG

if TYPE_CHECKING:
    from pydrdl.messages import caffe_pb2

SETTINGS = "training.json"  # in the folder: what the training was begun with
_OURS = re.compile(
    rf"{TRAINING_LOG}|{SETTINGS}|.*\.prototxt|.*\.lock"
    r"|.*_iter_\d+\.(caffemodel|solverstate)(\.h5)?"
)


def train(
    solver: Annotated[
        Path, Option(help="Its snapshot_prefix gives the names of snapshots.")
    ],
    output: Annotated[Path, options.output("Folder to make: snapshots and caffe.log.")],
    weights: Annotated[Path | None, Option(help="Caffemodel to start from.")] = None,
    gpu: Annotated[str | None, options.GPUS] = None,
    overwrite: Annotated[bool, options.OVERWRITE] = False,
) -> None:
    """Train a net into a folder; stopped, it goes on.

    Runs `caffe train` to the solver's max_iter in OUTPUT.partial, which then takes
    the name OUTPUT. Ctrl-C and SIGTERM let Caffe write a snapshot first; after
    these, and after kill -9, the same command goes on from the newest whole one.

    Example: python tools/train.py --solver nets/ccl/solver.prototxt --output runs/ccl
    """
    from google.protobuf import text_format

    from pydrdl.folders import WholeFolder

    message = read_solver(solver)
    settings = _settings(message, weights)
    folder = WholeFolder(
        output, "the training", "a training",
        lambda name: _OURS.fullmatch(name) is not None, overwrite=overwrite,
        other="a training with another solver, net or weights",
        is_worth=_has_trained,
    )  # fmt: skip
    folder.refuse_existing()
    # Relative where it can be: Caffe notes and shows it.
    absolute = output.is_absolute()
    partial = folder.partial if absolute else Path(os.path.relpath(folder.partial))
    log, begun = partial / TRAINING_LOG, partial / SETTINGS
    if is_file(log) and not is_file(begun):  # of a version that noted no settings
        with folder.writing():
            begun.write_bytes(settings)
    folder.begin(SETTINGS, settings)
    message.snapshot_prefix = str(partial / Path(message.snapshot_prefix).name)
    copy = partial / solver.name
    with writing("the solver", copy):
        write_text(copy, text_format.MessageToString(message))
    cli.stderr.lines(f"log: {log}")
    last = train_in_place(copy, log, weights=weights, gpu=gpu or "")
    folder.finish()
    cli.console.lines(str(output / last.name))


def train_in_place(
    solver: Path, log: Path, *, weights: Path | None = None, gpu: str = ""
) -> Path:
    """Trains to max_iter, from the newest whole snapshot where there is one.

    What Caffe prints is appended to the log. Returns the last caffemodel.

    Raises:
        InputError: the solver cannot be used, or Caffe failed.
    """
    from pydrdl import parallel
    from pydrdl.reproduce.steps import failure

    last, newest = final_weights(solver), newest_snapshot(solver)
    if newest is not None and _weights_of(newest) == last:
        return last
    words = ["caffe", "train", "--solver", str(solver)]
    if newest is not None:
        words += ["--snapshot", str(newest)]
    elif weights is not None:
        words += ["--weights", str(weights)]
    words += ["--gpu", gpu] if gpu else []
    # The command that was installed beside this interpreter comes first.
    others = os.environ.get("PATH", os.defpath)
    path = f"{Path(sys.executable).parent}{os.pathsep}{others}"
    env = os.environ | {"PATH": path, "GLOG_minloglevel": "0"}
    # By SIGINT Caffe writes a snapshot first.
    code = parallel.run(words, log, env=env, stop=signal.SIGINT)
    if code or not exists(last):
        raise failure(f"training by {solver}", code, log)
    return last


def final_weights(solver: Path) -> Path:
    """The caffemodel that training to the end leaves."""
    message = read_solver(solver)
    form = ".h5" if message.snapshot_format == message.HDF5 else ""
    return Path(f"{message.snapshot_prefix}_iter_{message.max_iter}.caffemodel{form}")


def newest_snapshot(solver: Path) -> Path | None:
    """The solverstate of the latest whole snapshot; None without one."""
    prefix = Path(read_solver(solver).snapshot_prefix)
    pattern = re.compile(re.escape(prefix.name) + r"_iter_(\d+)\.solverstate(?:\.h5)?")
    found = [
        (int(match[1]), path)
        for path in files_in(prefix.parent, "*.solverstate*")
        if (match := pattern.fullmatch(path.name))
    ]
    for _, path in sorted(found, reverse=True):
        if exists(_weights_of(path)) and _is_whole(path):
            return path
    return None


def _weights_of(solverstate: Path) -> Path:
    """The caffemodel of the same snapshot."""
    name = solverstate.name.replace(".solverstate", ".caffemodel")
    return solverstate.with_name(name)


def _is_whole(solverstate: Path) -> bool:
    """Whether it has its last field: other Caffes than ours may leave it cut off."""
    from google.protobuf.message import DecodeError

    from pydrdl.messages import caffe_pb2

    if solverstate.suffix == ".h5":
        return True
    data = read_bytes(solverstate, "a snapshot", "check the path")
    try:
        # Fields are written by their number, current_step last.
        return bool(caffe_pb2.SolverState.FromString(data).HasField("current_step"))
    except DecodeError:
        return False


def read_solver(solver: Path) -> "caffe_pb2.SolverParameter":
    """The solver's message.

    Raises:
        InputError: it cannot be read, or would leave no weights in the end.
    """
    from google.protobuf import text_format

    from pydrdl.messages import caffe_pb2

    message = caffe_pb2.SolverParameter()
    data = read_bytes(solver, "the solver", "check the path")
    try:
        text_format.Parse(data.decode(), message)
    except (UnicodeDecodeError, text_format.ParseError, RecursionError) as error:
        what = f"cannot read the solver: {error}"
        raise InputError(what, solver, "check the file") from error
    if not (message.snapshot_prefix and message.max_iter):
        what = "the solver names no snapshot_prefix or no max_iter"
        helps = "add both; tools/make_nets.py writes such solvers"
        raise InputError(what, solver, helps)
    if not message.snapshot_after_train:
        what = "the solver says snapshot_after_train: false, and would leave no weights"
        raise InputError(what, solver, "delete that line")
    return message


def _has_trained(folder: Path) -> bool:
    """Whether a training left a snapshot in its folder, or runs there now."""
    for path in files_in(folder, "*.lock"):
        with path.open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return True
    return any("_iter_" in path.name for path in files_in(folder, "*.solverstate*"))


def _settings(message: "caffe_pb2.SolverParameter", weights: Path | None) -> bytes:
    """What must be the same for a training to go on; it may be made longer."""
    from google.protobuf import text_format

    same = type(message)()
    same.CopyFrom(message)
    for name in ("max_iter", "snapshot", "snapshot_prefix", "display"):
        same.ClearField(name)
    nets = [Path(net) for net in (message.net, message.train_net) if net]
    content = {
        "solver": text_format.MessageToString(same).splitlines(),
        "net_sha256": [file_sha256(net, "the net") for net in nets],
        "weights_sha256": weights and file_sha256(weights, "the weights"),
    }
    return (json.dumps(content, indent=1) + "\n").encode()
